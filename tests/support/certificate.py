"""A certificate for 127.0.0.1, made anew for each run of the tests."""

from __future__ import annotations

import functools
import shutil
import ssl
import subprocess
import tempfile
from pathlib import Path

from tests.support.requirements_gate import need


@functools.cache
def server_and_client() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The contexts of a server, and of a client who trusts it alone."""
    if shutil.which("openssl") is None:
        need("openssl", "a certificate is made with it")
    with tempfile.TemporaryDirectory() as folder:
        key, certificate = Path(folder, "key.pem"), Path(folder, "certificate.pem")
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
        files = ["-keyout", str(key), "-out", str(certificate)]
        subprocess.run([*command, *names, *files], check=True, capture_output=True)
        server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        server.load_cert_chain(certificate, key)
        return server, ssl.create_default_context(cafile=str(certificate))
