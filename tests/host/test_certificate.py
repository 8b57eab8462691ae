"""The lab's certificate authority and what it issues."""

from __future__ import annotations

import ipaddress
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from host import certificate
from host.instance import ROOT, HostError

NAMES = ["aula.local", "192.168.1.10", "lab.example.org", "::1"]


@pytest.fixture
def issued(tmp_path: Path) -> Path:
    certificate.issue(NAMES, tmp_path / "tls", authority=tmp_path / "ca")
    return tmp_path


def chain(folder: Path) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates((folder / "tls" / "server.crt").read_bytes())


def authority(folder: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / "ca" / "ca.crt").read_bytes())


def _subject(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_browser_with_the_authority_trusts_every_name(issued: Path, name: str) -> None:
    verifier = PolicyBuilder().store(Store([authority(issued)])).build_server_verifier(_subject(name))  # type: ignore[arg-type]
    leaf, root = chain(issued)
    assert verifier.verify(leaf, []) == [leaf, root]


def test_other_names_are_not_trusted(issued: Path) -> None:
    verifier = PolicyBuilder().store(Store([authority(issued)])).build_server_verifier(x509.DNSName("otra.local"))
    with pytest.raises(VerificationError):
        verifier.verify(chain(issued)[0], [])


def test_another_labs_authority_does_not_vouch(issued: Path, tmp_path: Path) -> None:
    other, _ = certificate.ensure_authority(tmp_path / "other")
    verifier = PolicyBuilder().store(Store([other])).build_server_verifier(x509.DNSName("aula.local"))
    with pytest.raises(VerificationError):
        verifier.verify(chain(issued)[0], [])


def test_names_and_addresses_are_told_apart(issued: Path) -> None:
    names = chain(issued)[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["aula.local", "lab.example.org"]
    assert names.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address("192.168.1.10"), ipaddress.ip_address("::1")]


def test_a_servers_certificate_cannot_sign_others(issued: Path) -> None:
    leaf, root = chain(issued)
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not leaf.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    assert list(leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert root.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0


def test_validity_is_what_browsers_accept(issued: Path) -> None:
    """Apple's limit for private authorities is 825 days: support.apple.com/103769."""
    leaf = chain(issued)[0]
    assert leaf.not_valid_before_utc < datetime.now(UTC)
    assert timedelta(days=700) < leaf.not_valid_after_utc - leaf.not_valid_before_utc < timedelta(days=825)


@pytest.mark.parametrize(
    ("file", "mode"), [("tls/server.key", 0o600), ("ca/ca.key", 0o600), ("tls/server.crt", 0o644), ("ca/ca.crt", 0o644)]
)
def test_only_keys_are_secret(issued: Path, file: str, mode: int) -> None:
    assert (issued / file).stat().st_mode & 0o777 == mode


def test_a_key_that_was_open_is_closed_before_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "tls").mkdir()
    (tmp_path / "tls" / "server.key").touch(mode=0o644)
    certificate.issue(["a.local"], tmp_path / "tls", authority=tmp_path / "ca")
    assert (tmp_path / "tls" / "server.key").stat().st_mode & 0o777 == 0o600


def test_the_key_is_the_certificates(issued: Path) -> None:
    key = serialization.load_pem_private_key((issued / "tls" / "server.key").read_bytes(), None)
    assert key.public_key() == chain(issued)[0].public_key()


def test_the_authority_is_made_once(issued: Path) -> None:
    before, first = authority(issued), chain(issued)[0]
    certificate.issue(["otra.local"], issued / "tls", authority=issued / "ca")
    assert authority(issued) == before
    renewed = chain(issued)[0]
    assert renewed != first
    renewed.verify_directly_issued_by(before)


def test_an_authority_cut_short_is_made_again(issued: Path) -> None:
    (issued / "ca" / "ca.crt").unlink()
    certificate.issue(["a.local"], issued / "tls", authority=issued / "ca")
    chain(issued)[0].verify_directly_issued_by(authority(issued))


def test_no_names_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one name"):
        certificate.issue([], tmp_path / "tls", authority=tmp_path / "ca")
    assert list(tmp_path.iterdir()) == []


def test_the_command_without_names_says_how(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "host.certificate"], cwd=ROOT, env={"LAB_STATE": str(tmp_path)}, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert 'NAMES="' in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["aula.local", "192.168.1.10", "::1"])
def test_an_operators_certificate_for_the_name_of_the_site_is_good(issued: Path, name: str) -> None:
    certificate.check(str(issued / "tls" / "server.crt"), str(issued / "tls" / "server.key"), name)


def test_one_for_all_the_names_below_is_good_for_one_of_them(tmp_path: Path) -> None:
    certificate.issue(["*.example.org"], tmp_path / "tls", authority=tmp_path / "ca")
    pair = (str(tmp_path / "tls" / "server.crt"), str(tmp_path / "tls" / "server.key"))
    certificate.check(*pair, "aula.example.org")
    with pytest.raises(HostError, match=r"es para \*\.example\.org y no para «otra\.aula\.example\.org»"):
        certificate.check(*pair, "otra.aula.example.org")


@pytest.mark.parametrize(
    ("cert", "key", "sentence"),
    [
        ("tls/server.crt", "ca/ca.key", "no son un certificado en PEM y su clave"),
        ("tls/server.key", "tls/server.key", "no son un certificado en PEM y su clave"),
        ("tls/server.crt", "no", "no se puede leer LAB_TLS_KEY"),
        ("no", "tls/server.key", "no se puede leer LAB_TLS_CERT"),
    ],
)
def test_one_that_the_web_cannot_use_is_said(issued: Path, cert: str, key: str, sentence: str) -> None:
    with pytest.raises(HostError, match=sentence):
        certificate.check(str(issued / cert), str(issued / key), "aula.local")


def test_one_that_is_over_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificate, "YEAR", timedelta(seconds=-1))
    certificate.issue(["aula.local"], tmp_path / "tls", authority=tmp_path / "ca")
    with pytest.raises(HostError, match="caducó el"):
        certificate.check(str(tmp_path / "tls" / "server.crt"), str(tmp_path / "tls" / "server.key"), "aula.local")
