"""How a verb takes `--engine` and, behind `--`, the engine's own options."""

from __future__ import annotations

from typing import Any

import click

ENGINES = ("local", "beam", "spark")  # pipeline.engines.choose has the same; importing it would slow down --help


class EngineCommand(click.Command):
    """A command with the parameters `engine` and `engine_options`; the latter is all that stands behind `--`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        help_text = "Where the work is done. The output is the same."
        self.params.append(click.Option(["--engine"], type=click.Choice(ENGINES), default=ENGINES[0], help=help_text))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        cut = args.index("--") if "--" in args else len(args)
        ctx.params["engine_options"] = tuple(args[cut + 1 :])
        return super().parse_args(ctx, args[:cut])

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "[-- ENGINE_OPTIONS]"]
