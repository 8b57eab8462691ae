"""The lab's own certificate authority, for a classroom on a LAN and for the class registry.

    python -m host.certificate NAME [NAME …]     (make certificate NAMES="aula.local 192.168.1.10")

Browsers give no clipboard to pages without HTTPS; students import STATE/ca/ca.crt once.
"""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from host.instance import STATE, HostError
from host.shell import reason

YEAR = datetime.timedelta(days=365)
Key = ec.EllipticCurvePrivateKey


def ensure_authority(folder: Path | None = None) -> tuple[x509.Certificate, Key]:
    """The authority, made at first use; its key never leaves `folder` (mode 0600)."""
    folder = folder or STATE / "ca"
    folder.mkdir(parents=True, exist_ok=True)
    certificate_file, key_file = folder / "ca.crt", folder / "ca.key"
    if key_file.exists() and certificate_file.exists():
        key = serialization.load_pem_private_key(key_file.read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return x509.load_pem_x509_certificate(certificate_file.read_bytes()), key
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Docker Intensivo, el laboratorio (CA local)")])
    certificate = (
        _builder(name, name, key.public_key(), 10 * YEAR)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(ca=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write(key_file, _pem(key), 0o600)
    _write(certificate_file, certificate.public_bytes(serialization.Encoding.PEM), 0o644)
    return certificate, key


def issue(names: list[str], folder: Path, *, authority: Path | None = None) -> None:
    """Write `server.crt` (with its chain) and `server.key` for these host names or addresses into `folder`."""
    if not names:
        raise ValueError("a certificate needs at least one name")
    ca, ca_key = ensure_authority(authority)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    certificate = (
        _builder(subject, ca.subject, key.public_key(), 2 * YEAR)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(ca=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    folder.mkdir(parents=True, exist_ok=True)
    pem = serialization.Encoding.PEM
    _write(folder / "server.key", _pem(key), 0o600)
    _write(folder / "server.crt", certificate.public_bytes(pem) + ca.public_bytes(pem), 0o644)


def check(certificate: str, key: str, name: str) -> None:
    """Raise HostError if browsers would refuse the operator's certificate for that name, or the web can't use it."""
    if not key:
        raise HostError("falta LAB_TLS_KEY, el fichero de la clave de LAB_TLS_CERT.")
    for variable, path in (("LAB_TLS_CERT", certificate), ("LAB_TLS_KEY", key)):
        try:
            Path(path).read_bytes()
        except OSError as error:
            raise HostError(f"no se puede leer {variable} («{path}»): {reason(error)}.") from error
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key, password="")
        found = x509.load_pem_x509_certificates(Path(certificate).read_bytes())[0]
    except (ssl.SSLError, ValueError) as error:
        raise HostError(
            f"LAB_TLS_CERT («{certificate}») y LAB_TLS_KEY («{key}») no son un certificado en PEM y su clave, sin contraseña."
        ) from error
    if found.not_valid_after_utc < datetime.datetime.now(datetime.UTC):
        raise HostError(f"el certificado de LAB_TLS_CERT caducó el {found.not_valid_after_utc:%d-%m-%Y}: renuévalo.")
    names = _names(found)
    if name not in names and f"*.{name.partition('.')[2]}" not in names:
        raise HostError(f"el certificado de LAB_TLS_CERT es para {', '.join(names) or 'nadie'} y no para «{name}», que es el de LAB_URL.")


def _names(certificate: x509.Certificate) -> list[str]:
    """Host names and addresses that it is for; nobody looks at its common name any more."""
    try:
        named = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [*named.get_values_for_type(x509.DNSName), *map(str, named.get_values_for_type(x509.IPAddress))]


def _builder(subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, life: datetime.timedelta) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + life)
    )


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        key_cert_sign=ca,
        crl_sign=ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(key: Key) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _write(path: Path, content: bytes, mode: int) -> None:
    path.touch(mode=mode)
    path.chmod(mode)
    path.write_bytes(content)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit('Di para qué nombres o direcciones: make certificate NAMES="aula.local 192.168.1.10"')
    issue(sys.argv[1:], STATE / "tls")
    print(f"Certificado: {STATE}/tls/server.crt\nClave: {STATE}/tls/server.key\nCA para los navegadores: {STATE}/ca/ca.crt")
