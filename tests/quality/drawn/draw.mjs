// {id, tex, display} lines in, {id, form, html} lines out: every formula as each renderer that is installed draws it.
//   node draw.mjs FOLDER < formulas.jsonl      FOLDER holds node_modules; a missing renderer is named on stderr
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { resolve } from "node:path";

const require = createRequire(resolve(process.argv[2], "package.json"));
const forms = {};

function add(name, make) {
  try {
    Object.assign(forms, make());
  } catch (error) {
    console.error(`${name}: not installed (${String(error).split("\n")[0]})`);
  }
}

for (const version of ["09", "10", "12", "16", "19"]) {
  add(`katex${version}`, () => {
    const katex = require(`katex${version}`);
    const options = { throwOnError: true, strict: "ignore", trust: true };
    const draw = (tex, displayMode) => katex.renderToString(tex, { ...options, displayMode });
    const math = /<span class="katex-mathml">.*?<\/math><\/span>/s;
    return {
      [`katex${version}_html`]: (tex, display) => draw(tex, display).replace(math, ""),
      [`katex${version}_mathml`]: (tex, display) =>
        draw(tex, display).match(/<math.*?<\/math>/s)[0].replace(/<annotation .*?<\/annotation>/s, ""),
    };
  });
}

add("temml", () => {
  const temml = require("temml");
  const draw = (temml.default ?? temml).renderToString;
  return { temml_mathml: (tex, displayMode) => draw(tex, { displayMode, throwOnError: true }) };
});

function converter(document) {
  return async (tex, display) => {
    const options = { display, em: 16, ex: 8, containerWidth: 1280 };
    const node = document.convertPromise ? await document.convertPromise(tex, options) : document.convert(tex, options);
    const html = document.adaptor.outerHTML(node);
    if (html.includes("merror")) throw new Error("not drawn");
    return html.replace(/ data-latex(?:-item)?="[^"]*"/g, "");
  };
}

function mathjax(version, root, packages) {
  const { mathjax } = require(`${root}/js/mathjax.js`);
  const { TeX } = require(`${root}/js/input/tex.js`);
  const { CHTML } = require(`${root}/js/output/chtml.js`);
  const { SVG } = require(`${root}/js/output/svg.js`);
  const { liteAdaptor } = require(`${root}/js/adaptors/liteAdaptor.js`);
  const { RegisterHTMLHandler } = require(`${root}/js/handlers/html.js`);
  const { SerializedMmlVisitor } = require(`${root}/js/core/MmlTree/SerializedMmlVisitor.js`);
  const { STATE } = require(`${root}/js/core/MathItem.js`);
  mathjax.asyncLoad = (name) => Promise.resolve(require(name));
  RegisterHTMLHandler(liteAdaptor());
  const document = (OutputJax) => mathjax.document("", { InputJax: new TeX({ packages, tags: "ams" }), OutputJax });
  const visitor = new SerializedMmlVisitor();
  const bare = mathjax.document("", { InputJax: new TeX({ packages, tags: "ams" }) });
  return {
    [`mathjax${version}_chtml`]: converter(document(new CHTML({ fontURL: "" }))),
    [`mathjax${version}_svg`]: converter(document(new SVG({ fontCache: "local" }))),
    [`mathjax${version}_mathml`]: (tex, display) => {
      const math = visitor.visitTree(bare.convert(tex, { display, end: STATE.CONVERT }));
      if (math.includes("merror")) throw new Error("not drawn");
      return math.replace(/ data-latex(?:-item)?="[^"]*"/g, "");
    },
  };
}

add("mathjax3", () => {
  const { AllPackages } = require("mathjax3/js/input/tex/AllPackages.js");
  return mathjax(3, "mathjax3", AllPackages.filter((name) => name !== "bussproofs"));
});
add("mathjax4", () => {
  const parts = "base ams newcommand mhchem boldsymbol cancel color mathtools braket textmacros amscd enclose extpfeil";
  const found = parts.split(" ").filter((part) => {
    const file = part === "amscd" ? "AmsCd" : part[0].toUpperCase() + part.slice(1);
    try {
      require(`@mathjax/src/js/input/tex/${part}/${file}Configuration.js`);
      return true;
    } catch {
      return false;
    }
  });
  return mathjax(4, "@mathjax/src", found);
});

for await (const line of createInterface({ input: process.stdin })) {
  const { id, tex, display } = JSON.parse(line);
  for (const [form, draw] of Object.entries(forms)) {
    try {
      console.log(JSON.stringify({ id, form, html: await draw(tex, display) }));
    } catch {
      // this version does not know a command of the formula
    }
  }
}
