"""Both index formats say the same of the same captures; pieces that cannot hold a key are not read."""

import gzip
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from fetch_world import CRAWL, Capture, build_world, write_table, write_zipnum

from pipeline.errors import InputError, UsageError
from pipeline.fetching import SMALL_LIST_ROWS, FetchConfig, index_files
from pipeline.io.fetch.access import Access
from pipeline.io.fetch.captures import Wanted, overlaps, place_pattern, place_ranges, ranks, refusals
from pipeline.io.fetch.cdx_index import block_pieces, cluster_blocks, file_pieces
from pipeline.io.fetch.index_files import index_named, index_of_crawl
from pipeline.io.fetch.key_runs import matches
from pipeline.io.fetch.surt import surt_key
from pipeline.io.fetch.table_index import table_pieces

CAPTURES = [
    Capture(
        f"https://www.site{i % 7}.example.org/p/{i}",
        status=404 if i % 5 == 0 else 200,
        warc="a.warc.gz",
        offset=i,
        length=i + 1,
    )
    for i in range(30)
]


def everything(pieces):
    tables = []
    for piece in pieces:
        keys = piece.keys()
        tables.append(piece.captures(np.arange(len(keys)), keys))
    return pa.concat_tables(tables).sort_by("warc_record_offset").to_pylist()


def test_formats_agree(tmp_path):
    write_table(tmp_path / "table", CAPTURES, files=1)
    write_zipnum(tmp_path / "cdx", CAPTURES)
    (tmp_path / "plain.cdxj").write_text("".join(c.cdxj_line() + "\n" for c in CAPTURES))
    eleven = [
        f"{surt_key(c.url)} 20990102030405 {c.url} {c.mime} {c.status} ABC - - {c.length} {c.offset} {c.warc}\n"
        for c in CAPTURES
    ]
    (tmp_path / "old.cdx.gz").write_bytes(gzip.compress((" CDX N b a m s k r M S V g\n" + "".join(eleven)).encode()))
    reader = Access().reader(str(tmp_path))
    table = everything(table_pieces(reader, "table/part-00000.parquet"))
    assert [row["captured_url"] for row in table] == [c.url for c in CAPTURES]
    assert table[3]["fetch_time"] == 4071006245  # date -d 2099-01-02T03:04:05Z +%s
    zipnum = everything(block_pieces(reader, cluster_blocks(reader, "cdx/cluster.idx")))
    assert zipnum == table
    assert everything(file_pieces(reader, "plain.cdxj")) == table
    assert everything(file_pieces(reader, "old.cdx.gz")) == [row | {"languages": ""} for row in table]


def test_cdx_lines_that_cannot_be_read_keep_their_key(tmp_path):
    (tmp_path / "a.cdxj").write_text("org,example)/ 2099 {broken\norg,example)/b 2099\n")
    rows = everything(file_pieces(Access().reader(str(tmp_path)), "a.cdxj"))
    assert [(row["surt"], row["warc_filename"]) for row in rows] == [("org,example)/", ""), ("org,example)/b", "")]


CUT = gzip.compress(b"org,a)/ 2099 {}\n" * 1000, mtime=0)[:-9]
ALTERED = gzip.compress(b"x", mtime=0)[:-4] + b"oops"


@pytest.mark.parametrize("data", [CUT, ALTERED], ids=["cut", "altered"])
def test_damaged_cdx_is_an_error(tmp_path, data):
    (tmp_path / "a.cdx.gz").write_bytes(data)
    with pytest.raises(InputError):
        everything(file_pieces(Access().reader(str(tmp_path)), "a.cdx.gz"))


@pytest.mark.parametrize(
    "line", ["no tabs", "k 1\t../x.gz\t0\t5\t1", "k 1\tx.gz\t-1\t5\t1", "k 1\tx.gz\t0\t99999999999\t1"]
)
def test_a_hostile_cluster_is_an_error(tmp_path, line):
    (tmp_path / "cluster.idx").write_text(line + "\n")
    with pytest.raises(InputError, match=r"cluster\.idx:1"):
        list(cluster_blocks(Access().reader(str(tmp_path)), "cluster.idx"))


def test_row_groups_are_bounded_by_their_keys(tmp_path):
    write_table(tmp_path, CAPTURES, files=1)
    pieces = list(table_pieces(Access().reader(str(tmp_path)), "part-00000.parquet"))
    keys = sorted(surt_key(c.url) for c in CAPTURES)
    assert [(p.low, p.high) for p in pieces] == [(keys[i], keys[min(i + 3, 29)]) for i in range(0, 30, 4)]


def test_other_parquet_is_an_error(tmp_path):
    pq.write_table(pa.table({"url": ["x"]}), tmp_path / "a.parquet")
    (tmp_path / "b.parquet").write_bytes(b"nothing")
    for name in ("a.parquet", "b.parquet"):
        with pytest.raises(InputError):
            list(table_pieces(Access().reader(str(tmp_path)), name))


def test_old_tables_without_some_columns(tmp_path):
    write_table(tmp_path, CAPTURES, files=1)
    table = pq.read_table(tmp_path / "part-00000.parquet")
    slim = table.select(["url_surtkey", "warc_filename", "warc_record_offset", "warc_record_length"])
    pq.write_table(slim, tmp_path / "part-00000.parquet")
    rows = everything(table_pieces(Access().reader(str(tmp_path)), "part-00000.parquet"))
    assert [(row["status"], row["captured_url"], row["mime"]) for row in rows] == [(0, "", "")] * 30


def test_matches_are_all_pairs_and_only_those():
    keys = pa.array(["b", "a", "b", "z"])
    wanted = pa.table({"surt": ["a", "b", "c", "b"], "ordinal": [0, 1, 2, 3]})
    index_rows, list_rows = matches(keys, wanted)
    assert sorted(zip(index_rows.tolist(), list_rows.tolist(), strict=True)) == [(0, 1), (0, 3), (1, 0), (2, 1), (2, 3)]


def table_of(rows):
    full = {
        "surt": "",
        "captured_url": "",
        "languages": "",
        "warc_filename": "",
        "warc_record_offset": 0,
        "warc_record_length": 1,
    }
    return pa.Table.from_pylist([full | {"fetch_time": 0, "status": 200, "mime": "text/html"} | row for row in rows])


def order(rows, policy, exact=None):
    table = table_of(rows)
    reason = refusals(table, Wanted(statuses=()))
    exact = np.zeros(len(rows), bool) if exact is None else np.array(exact)
    return np.argsort(ranks(table, policy, reason, exact), kind="stable").tolist()


def test_policies():
    times = [{"fetch_time": 5}, {"fetch_time": 9}, {"fetch_time": 1}]
    assert order(times, "newest") == [1, 0, 2]
    assert order(times, "oldest") == [2, 0, 1]
    best = [
        {"fetch_time": 9, "status": 404},
        {"fetch_time": 8, "mime": "application/pdf"},
        {"fetch_time": 1},
        {"fetch_time": 2},
    ]
    assert order(best, "best") == [3, 2, 1, 0]
    assert order(best, "best", [False, False, True, False]) == [2, 3, 1, 0]


def test_filters_say_why():
    table = table_of(
        [
            {"status": 404},
            {"mime": "image/png"},
            {"languages": "deu,eng"},
            {"languages": "fra"},
            {"languages": "eng", "status": 0},
        ]
    )
    wanted = Wanted(mimes=("text/*",), languages=("eng",))
    assert refusals(table, wanted).to_pylist() == ["status", "mime", "", "language", ""]


HOSTS = ["example.org", "www.example.org", "math.example.org", "a.math.example.org", "example.org:8080", "example-x.org", "notexample.org", "example.com", "wiki1.example.org"]  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted(domains=("example.org",)), {0, 1, 2, 3, 4, 8}),
        (Wanted(domains=("Example.ORG.",)), {0, 1, 2, 3, 4, 8}),
        (Wanted(hosts=("example.org",)), {0, 1, 4}),
        (Wanted(hosts=("*.example.org",)), {2, 3, 8}),
        (Wanted(hosts=("wiki*.example.org",)), {8}),
        (Wanted(hosts=("*.org",)), {0, 1, 2, 3, 4, 5, 6, 8}),
        (Wanted(tlds=("com",)), {7}),
        (Wanted(tlds=("com",), hosts=("math.example.org",)), {2, 7}),
        (Wanted(hosts=("*",)), set(range(9))),
    ],
)
def test_places(wanted, expected):
    keys = [surt_key(f"http://{host}/a") for host in HOSTS]
    pattern = place_pattern(wanted)
    hits = pc.match_substring_regex(pa.array(keys), pattern).to_pylist() if pattern else [True] * len(keys)
    assert {i for i, hit in enumerate(hits) if hit} == expected
    ranges = place_ranges(wanted)
    assert all(overlaps(ranges, keys[i], keys[i]) for i in expected)  # pruning loses none


@pytest.mark.parametrize(
    "wrong", [{"domains": ("exa mple.org",)}, {"hosts": ("a/b",)}, {"languages": ("en",)}, {"tlds": ("",)}]
)
def test_places_and_languages_that_are_none(wrong):
    with pytest.raises(UsageError):
        Wanted(**wrong)


def test_finding_the_files_of_an_index(tmp_path):
    build_world(tmp_path, {"a.warc.gz": [Capture("https://example.org/")]})
    base = f"{tmp_path}/"
    table = index_of_crawl(base, CRAWL, "table", Access())
    assert [file.path.rpartition("/")[2] for file in table] == ["part-00000.parquet", "part-00001.parquet"]
    assert {file.crawl for file in table} == {CRAWL}  # and subset=robotstxt is left out
    cdx = index_of_crawl(base, CRAWL, "cdx", Access())
    assert [file.kind for file in cdx] == ["cluster"]
    assert len(index_named(f"{tmp_path}/cc-index/table", (), Access())) == 2
    for missing in ("nope.cdx.gz", "nope.parquet", "nope"):
        with pytest.raises(InputError, match=f"{missing}: no such file"):
            index_named(f"{tmp_path}/{missing}", (), Access())
    with pytest.raises(InputError, match="no index"):
        index_named(f"{tmp_path}/cc-index/table", ("CC-MAIN-1999-01",), Access())
    listed = index_named(f"{tmp_path}/crawl-data/{CRAWL}/cc-index-table.paths.gz", (), Access())
    assert [(file.base, file.path) for file in listed] == [(file.base, file.path) for file in table]
    with pytest.raises(UsageError):
        index_of_crawl(base, "../x", "table", Access())
    with pytest.raises(InputError):
        index_of_crawl(base, "CC-MAIN-1999-01", "table", Access())


def test_the_format_follows_the_list(tmp_path):
    world = build_world(tmp_path, {"a.warc.gz": [Capture("https://example.org/")]})
    config = FetchConfig((), tmp_path / "out", base=f"{tmp_path}/", crawls=(CRAWL,))
    assert {file.kind for file in index_files(config, SMALL_LIST_ROWS)} == {"cluster"}
    assert {file.kind for file in index_files(config, SMALL_LIST_ROWS + 1)} == {"table"}
    assert {file.kind for file in index_files(config)} == {"table"}
    shutil.rmtree(world.root / "cc-index/collections")
    (world.root / f"crawl-data/{CRAWL}/cc-index.paths.gz").unlink()
    assert {file.kind for file in index_files(config, 1)} == {"table"}
