"""A certificate that nobody vouches for, as cameras have them."""

from __future__ import annotations

import datetime
import ipaddress
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
except ImportError:  # it comes with Prefect, not with this project
    x509 = None  # type: ignore[assignment]


def self_signed(folder: Path) -> ssl.SSLContext:
    """For a server on 127.0.0.1: by the package ``cryptography``, else by ``openssl``, else the test is skipped."""
    path = folder / "camera.pem"
    if x509 is not None:
        path.write_bytes(_written())
    elif (openssl := shutil.which("openssl")) is not None:
        command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=camera",
                   "-keyout", str(path), "-out", str(folder / "certificate.pem")]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        path.write_bytes(path.read_bytes() + (folder / "certificate.pem").read_bytes())
    else:
        pytest.skip("a certificate needs the package cryptography or the program openssl")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def _written() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "camera")])
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - day, now + day)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return plain + certificate.public_bytes(serialization.Encoding.PEM)
