"""The two halves of .ci/keystone that are easier in Python: serving, and filling with an account.

    keystone-server.py serve DATABASE PORTFILE    serves on a free port of the loopback, written to PORTFILE
    keystone-server.py fill URL PASSWORD          creates what the tests use and prints NAME=value lines
"""

import base64
import json
import os
import secrets
import sqlite3
import sys
import urllib.request


def serve(database, port_file):
    # Without the write-ahead log the first write fails with "database is locked", and with a second
    # thread connections wander between threads.
    sqlite3.connect(database).execute("PRAGMA journal_mode=WAL")
    sys.argv = sys.argv[:1]  # Keystone reads its own arguments from there
    import waitress
    from keystone.server.wsgi import initialize_public_application

    server = waitress.create_server(initialize_public_application(), listen="127.0.0.1:0", threads=1)
    with open(port_file + ".new", "w") as f:
        f.write(str(server.effective_port))
    os.rename(port_file + ".new", port_file)
    server.run()


class Administrator:
    """The bootstrapped administrator, logged in for the whole system."""

    def __init__(self, url, password):
        self.url, self.token = url + "/v3", None
        user = {"name": "admin", "domain": {"id": "default"}, "password": password}
        identity = {"methods": ["password"], "password": {"user": user}}
        scope = {"system": {"all": True}}
        _, headers = self.call("POST", "/auth/tokens", {"auth": {"identity": identity, "scope": scope}})
        self.token = headers["X-Subject-Token"]

    def call(self, method, path, body=None):
        request = urllib.request.Request(self.url + path, method=method)
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        if self.token:
            request.add_header("X-Auth-Token", self.token)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read(), answer.headers

    def create(self, kind, **fields):
        body, _ = self.call("POST", f"/{kind}s", {kind: fields})
        return json.loads(body)[kind]["id"]

    def create_user(self, project, role, **fields):
        user = self.create("user", **fields)
        self.call("PUT", f"/projects/{project}/users/{user}/roles/{role}")
        return user


def fill(url, password):
    admin = Administrator(url, password)
    domain = admin.create("domain", name="acme")
    project = admin.create("project", name="eu-west-101", domain_id=domain)
    role = admin.create("role", name="builder")

    user_password, totp_secret = secrets.token_urlsafe(24), secrets.token_bytes(20)
    user = admin.create_user(project, role, name="ci", domain_id=domain, password=user_password)
    mfa_user = admin.create_user(
        project, role, name="ci-mfa", domain_id=domain, password=user_password,
        options={"multi_factor_auth_enabled": True, "multi_factor_auth_rules": [["password", "totp"]]},
    )
    totp_text = base64.b32encode(totp_secret).decode()
    admin.create("credential", type="totp", user_id=mfa_user, project_id=project, blob=totp_text)

    found = {
        "ENDPOINT": url,
        "DOMAIN_NAME": "acme", "DOMAIN_ID": domain,
        "PROJECT_NAME": "eu-west-101", "PROJECT_ID": project,
        "USER_NAME": "ci", "USER_ID": user,
        "MFA_USER_NAME": "ci-mfa", "MFA_USER_ID": mfa_user, "MFA_SECRET": totp_text,
        "PASSWORD": user_password,
    }
    for name, value in found.items():
        print(f"CODEARTSBUILD_KEYSTONE_{name}={value}")


if __name__ == "__main__":
    {"serve": serve, "fill": fill}[sys.argv[1]](*sys.argv[2:])
