"""``endpoint.yaml``: what may stand in it, and every fault with its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.faults import FaultyFile
from grader.live import endpoint_file
from grader.live.endpoint_file import Entry
from tests.calls import ROOT

FILES = frozenset({"aws_deploy/sample.json", "aws_deploy/rows.csv", "data/row.bin", "gcp_deploy/sample.json"})


def read(text: str, platform: str = "aws", most: int = 5) -> tuple[Entry, ...]:
    path = f"{platform}_deploy/endpoint.yaml"
    return endpoint_file.read(text.encode(), path, platform=platform, files=FILES, most=most)


def faults(text: str, platform: str = "aws", most: int = 5) -> list[str]:
    with pytest.raises(FaultyFile) as caught:
        read(text, platform, most)
    return [f"{fault.line}:{fault.column} {fault.message}" for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("platform", "text", "entry"),
    [
        ("aws", "endpoint: penguins\n", Entry(1, endpoint="penguins")),
        (
            "aws",
            "# mine\nplatform: aws\nendpoint: penguins\nregion: us-east-1\n",
            Entry(3, platform="aws", endpoint="penguins", region="us-east-1"),
        ),
        (
            "gcp",
            "endpoint: 4100000000000000001\nregion: us-central1\nproject: 123456789012\n",
            Entry(1, endpoint="4100000000000000001", region="us-central1", project="123456789012"),
        ),
        ("gcp", "endpoint: My penguins v2\n", Entry(1, endpoint="My penguins v2")),
        (
            "gcp",
            "endpoint: projects/lab-project-1/locations/us-central1/endpoints/41\nproject: lab-project-1\n",
            Entry(1, endpoint="projects/lab-project-1/locations/us-central1/endpoints/41", project="lab-project-1"),
        ),
        (
            "aws",
            "url: https://a.example/p?x=1\nmethod: put\nheaders: {x-api-key: abc, X-B: 7}\naccept: text/csv\n",
            Entry(1, url="https://a.example/p?x=1", method="PUT", headers=(("x-api-key", "abc"), ("X-B", "7")), accept="text/csv"),
        ),
        (
            "aws",
            "endpoint: a\nsample: sample.json\n",
            Entry(1, endpoint="a", sample="aws_deploy/sample.json", content_type="application/json"),
        ),
        ("aws", "endpoint: a\nsample: ./rows.csv\n", Entry(1, endpoint="a", sample="aws_deploy/rows.csv", content_type="text/csv")),
        (
            "aws",
            "endpoint: a\nsample: data/row.bin\ncontent_type: application/octet-stream\n",
            Entry(1, endpoint="a", sample="data/row.bin", content_type="application/octet-stream"),
        ),
        (
            "aws",
            "endpoint: a\nbody: {instances: [[1, 2.5, a, null, true]]}\nprediction: predictions[0].label\n",
            Entry(1, endpoint="a", body='{"instances": [[1, 2.5, "a", null, true]]}', prediction="predictions[0].label"),
        ),
        ("aws", "endpoint: a\nbody: '1,2,3'\ncontent_type: text/csv\n", Entry(1, endpoint="a", body="1,2,3", content_type="text/csv")),
    ],
)  # fmt: skip
def test_what_is_read(platform: str, text: str, entry: Entry) -> None:
    assert read(text, platform) == (entry,)


def test_several() -> None:
    found = read("- endpoint: a\n- region: us-east-1\n  endpoint: b\n- url: https://a.example/\n")
    assert [(e.line, e.endpoint or e.url) for e in found] == [(1, "a"), (3, "b"), (4, "https://a.example/")]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "1:1 the file is empty"),
        ("[]", "1:1 the list is empty"),
        ("just words", "1:1 an endpoint is a mapping"),
        ("- just words", "1:3 an endpoint is a mapping"),
        ("region: us-east-1", "1:1 an endpoint needs the key `endpoint`, or `url`"),
        ("endpoint: a\nendpont: b", "2:1 `endpont` is no key of an endpoint; did you mean endpoint?"),
        ("endpoint: a\nendpoint: b", "2:1 `endpoint` stands twice"),
        ("endpoint:", "1:10 `endpoint` has no value"),
        ("endpoint: []", "1:11 `endpoint` is the name or id"),
        ("endpoint: true", "1:11 `endpoint` has no value"),
        ("endpoint: a b", "1:11 `endpoint`: `a b` is no name that a SageMaker endpoint can have"),
        ("endpoint: -a", "1:11 `endpoint`: `-a` is no name"),
        ("endpoint: a_b", "1:11 `endpoint`: `a_b` is no name"),
        (f"endpoint: {'a' * 64}", "1:11 `endpoint`:"),
        ("endpoint: your-endpoint-name", "1:11 `endpoint`: `your-endpoint-name` stands for the name of your own endpoint"),
        ("endpoint: <my endpoint>", "1:11 `endpoint`: `<my endpoint>` is no name"),
        ("endpoint: a\nregion: us-east-1b", "2:9 `region`: `us-east-1b` is a zone of the region us-east-1"),
        ("endpoint: a\nregion: us-central1", "2:9 `region`: `us-central1` is a region of the other cloud"),
        ("endpoint: a\nregion: us-east-1.evil.example", "2:9 `region`: `us-east-1.evil.example` is no name of a region"),
        ("endpoint: a\nregion: 'us-east-1/../x'", "2:9 `region`:"),
        ("endpoint: a\nproject: lab-project-1", "2:10 `project` belongs to Google Cloud"),
        ("endpoint: a\nplatform: gcp", "2:11 `platform` says gcp, and this is the deploy folder of aws"),
        ("endpoint: a\nplatform: awz", "2:11 `platform` is aws or gcp, and `awz` is neither"),
        ("endpoint: a\nurl: https://a.example/", "2:6 `url` and `endpoint` stand together"),
        ("url: ftp://a.example/", "1:6 `url`: only https and http addresses are asked"),
        ("url: http://2130706433/", "1:6 `url`: the host is a number in an odd spelling"),
        ("url: http://169.254.169.254/", "1:6 `url`: the address is link-local"),
        ("endpoint: a\nmethod: POST", "2:9 `method` belongs to a `url`"),
        ("url: https://a.example/\nmethod: DELETE", "2:9 `method` is one of POST, GET, PUT"),
        ("url: https://a.example/\nheaders: [a]", "2:10 `headers` is a mapping"),
        ("url: https://a.example/\nheaders: {Host: b}", "2:17 the header `Host` is the client's own"),
        ("url: https://a.example/\nheaders: {transfer-encoding: chunked}", "2:30 the header"),
        ("url: https://a.example/\nheaders: {Accept: text/csv}", "2:19 the header `Accept` has a key of its own: `accept`"),
        ('url: https://a.example/\nheaders: {x: "a\\r\\nb: c"}', "2:14 the header `x` is one line"),
        ('url: https://a.example/\nheaders: {"a: b": c}', "2:19 `a: b` is no name of a header"),
        ("endpoint: a\nsample: ../../etc/passwd", "2:9 `sample`: `../../etc/passwd` is no file"),
        ("endpoint: a\nsample: /etc/passwd", "2:9 `sample`: `/etc/passwd` is no file"),
        ("endpoint: a\nsample: data/row.bin", "2:9 what `data/row.bin` holds is not told by its ending"),
        ("endpoint: a\nsample: sample.json\nbody: x", "3:7 `sample` and `body` stand together"),
        ("endpoint: a\nbody: {a: .nan}", "2:7 `body` has a number in it that JSON does not know"),
        ("endpoint: a\ncontent_type: json", "2:15 `content_type` is a media type"),
        ('endpoint: a\ncontent_type: "a/b\\r\\nX: y"', "2:15 `content_type` is a media type"),
        ("endpoint: a\nprediction: '$(rm)'", "2:13 `prediction` is a path in the JSON answer"),
        ("endpoint: &x a\nregion: *x", "1:11 anchors are not read here"),
        ("endpoint: !!python/object:os.system a", "1:11 YAML tags are not read here"),
        ("endpoint: a\n---\nendpoint: b", "2:1 endpoint.yaml is one YAML document"),
        ("\tendpoint: a", "1:1 a tab stands here"),
        ("endpoint: a\n? [x]\n: y", "2:3 a key is a word"),
        ("endpoint: 'a", "1:13 this is no YAML"),
    ],
)  # fmt: skip
def test_faults(text: str, told: str) -> None:
    found = faults(text)
    assert any(fault.startswith(told) for fault in found), found


def test_every_fault_at_once() -> None:
    found = faults("endpont: a\nregion: Mars\nproject: lab-project-1\nsample: none.json\n")
    assert len(found) == 5
    assert [fault.partition(":")[0] for fault in found] == ["1", "1", "2", "3", "4"]


def test_google_says_region_and_project_twice_only_if_they_are_the_same() -> None:
    name = "projects/lab-project-1/locations/us-central1/endpoints/41"
    assert read(f"endpoint: {name}\nproject: 123456789012\nregion: us-central1\n", "gcp")
    found = faults(f"endpoint: {name}\nproject: lab-project-2\nregion: us-east1\n", "gcp")
    assert [fault[:4] for fault in found] == ["2:10", "3:9 "]


def test_too_many_and_too_large() -> None:
    assert (
        "at most 2 endpoints; here are 3"
        in faults("[{endpoint: a}, {endpoint: b}, {endpoint: c}]", most=2)[0]
    )
    assert "at most 20,000 bytes" in faults("#" * 20_001)[0]


def test_depth_is_bounded() -> None:
    assert "nested at most" in faults(f"endpoint: a\nbody: {'[' * 5_000}")[0]


@pytest.mark.parametrize("platform", ["aws", "gcp"])
def test_the_reference_solutions_are_read(platform: str) -> None:
    folder = ROOT / f"{platform}_deploy"
    files = frozenset(f"{platform}_deploy/{p.name}" for p in folder.iterdir())
    raw = (folder / "endpoint.yaml").read_bytes()
    (entry,) = endpoint_file.read(
        raw, f"{platform}_deploy/endpoint.yaml", platform=platform, files=files, most=5
    )
    assert entry.endpoint == "penguins"
    assert entry.sample == f"{platform}_deploy/sample_request.json"


def test_the_page_for_students_names_every_key() -> None:
    page = Path(ROOT / "docs" / "live.md").read_text(encoding="utf-8")
    assert all(f"`{key}`" in page for key in endpoint_file.KEYS)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        found = endpoint_file.read(raw, "aws_deploy/endpoint.yaml", platform="aws", files=FILES, most=5)
    except FaultyFile as faulty:
        assert faulty.faults  # noqa: PT017
    else:
        assert all(entry.endpoint or entry.url for entry in found)
