"""Certificates for receivers: of an authority of the tests' own, and bad ones of every kind."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

__all__ = ["Authority"]


@dataclass
class Authority:
    """Signs the certificates of receivers; `folder` keeps them."""

    folder: Path

    def __post_init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = signed(self.key, "Authority of the tests", self.key, "Authority of the tests", ca=True)

    def trusting(self) -> ssl.SSLContext:
        """Return the context of a client that trusts this authority and no other."""
        return ssl.create_default_context(cadata=pem(self.certificate).decode())

    def receiver(self, *names: str, age: timedelta = timedelta(), itself: bool = False) -> ssl.SSLContext:
        """Return the context of a receiver whose certificate is for `names`; `itself` signs it with its own key."""
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = names[0] if itself else "Authority of the tests"
        certificate = signed(key, names[0], key if itself else self.key, issuer, *names, age=age)
        path = self.folder / f"{uuid4().hex}.pem"
        path.write_bytes(secret(key) + pem(certificate))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


def signed(
    key: ec.EllipticCurvePrivateKey,
    subject: str,
    by: ec.EllipticCurvePrivateKey,
    issuer: str,
    *names: str,
    age: timedelta = timedelta(),
    ca: bool = False,
) -> x509.Certificate:
    start = datetime.now(UTC) - timedelta(hours=1) - age
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([*map(alternative, names)]), critical=False)
    return builder.sign(by, hashes.SHA256())


def alternative(name: str) -> x509.GeneralName:
    return x509.IPAddress(ip_address(name)) if name[0].isdigit() else x509.DNSName(name)


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def secret(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
