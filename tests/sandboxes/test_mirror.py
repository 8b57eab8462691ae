"""What machines asked the mirror for in vain."""

from __future__ import annotations

from datetime import UTC, datetime

from sandboxes.mirror import missed

LOG = "\n".join(
    f'{address} - - [29/Nov/2026:10:{minute:02}:00 +0000] "{verb} /v2/library/{image}/manifests/{tag} HTTP/1.1" {code} 100 "" "docker"'
    for address, minute, verb, image, tag, code in (
        ("10.124.0.2", 1, "HEAD", "antes", "1.0", 404),
        ("10.124.0.2", 10, "HEAD", "busibox", "1.37", 404),
        ("10.124.0.2", 11, "GET", "busybox", "9.9", 404),
        ("10.124.0.2", 12, "GET", "busybox", "1.37", 200),
        ("10.124.0.9", 13, "GET", "ajena", "1.0", 404),
        ("10.124.0.2", 14, "GET", "busibox", "1.37", 404),
    )
)


def test_each_name_is_told_once_the_last_first_of_this_machine_and_this_sandbox() -> None:
    since = datetime(2026, 11, 29, 10, 5, tzinfo=UTC)
    log = f'time="x" level=info msg="y"\n{LOG}\n10.124.0.2 - - nonsense "GET /v2/'
    assert missed(log, ["10.124.0.2"], since=since) == ["busibox:1.37", "busybox:9.9"]
    assert missed(log, [], since=since) == []
    assert missed("", ["10.124.0.2"], since=None) == []
