# SPDX-License-Identifier: Apache-2.0
"""The bill of materials: what each package contains, as SPDX 2.3. It depends on nothing but the commit and the system."""

import hashlib
import json
import re
import subprocess


def installed(package):
    """The version of a Debian package whose code is linked."""
    return subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], stdout=subprocess.PIPE, text=True,
                          check=True).stdout


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def component(name, version, licence, origin, copyright_text="NOASSERTION"):
    return {
        "SPDXID": "SPDXRef-" + re.sub(r"[^A-Za-z0-9.]+", "-", name),
        "name": name,
        "versionInfo": version,
        "downloadLocation": origin,
        "filesAnalyzed": False,
        "licenseConcluded": licence,
        "licenseDeclared": licence,
        "copyrightText": copyright_text,
    }


def linked(facts):
    """The parts of the program."""
    gcc = "GPL-3.0-or-later WITH GCC-exception-3.1"
    return [
        component("Swift runtime", facts.swift, "Apache-2.0 WITH Swift-exception", "https://swift.org"),
        component("SQLite", installed("libsqlite3-dev"), "blessing", "https://sqlite.org"),
        component("OpenSSL libcrypto", installed("libssl-dev"), "Apache-2.0", "https://openssl.org"),
        component("libstdc++", installed(f"libstdc++-{facts.gcc}-dev"), gcc, "https://gcc.gnu.org"),
        component("libgcc", installed(f"libgcc-{facts.gcc}-dev"), gcc, "https://gcc.gnu.org"),
    ]


def write(facts, dist):
    program = component("algo-run", facts.version, "Apache-2.0", "NOASSERTION", "2026 The algo-run contributors")
    program["sourceInfo"] = f"built from commit {facts.commit}"
    parts = linked(facts)
    files, relations = [], []
    for path in sorted(dist.iterdir()):
        identifier = "SPDXRef-File-" + re.sub(r"[^A-Za-z0-9.]+", "-", path.name)
        files.append({
            "SPDXID": identifier, "fileName": f"./{path.name}", "licenseConcluded": "Apache-2.0",
            "copyrightText": "NOASSERTION",
            "checksums": [{"algorithm": "SHA1", "checksumValue": hashlib.sha1(path.read_bytes()).hexdigest()},
                          {"algorithm": "SHA256", "checksumValue": sha256(path)}],
        })
        relations.append(("SPDXRef-DOCUMENT", "DESCRIBES", identifier))
        relations.append((identifier, "GENERATED_FROM", program["SPDXID"]))
        if path.name.endswith((".deb", "x86_64.tar.gz", "x86_64.whl")):
            relations += [(identifier, "CONTAINS", part["SPDXID"]) for part in parts]
    relations += [(program["SPDXID"], "STATIC_LINK", part["SPDXID"]) for part in parts]
    document = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"algo-run-{facts.version}",
        "documentNamespace": f"https://algo-run.invalid/spdx/{facts.version}/{facts.commit}",
        "creationInfo": {"created": facts.date.replace(" ", "T", 1).replace(" UTC", "Z"),
                         "creators": ["Organization: The algo-run contributors"]},
        "packages": [program, *parts],
        "files": files,
        "relationships": [{"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}
                          for one, kind, other in relations],
    }
    (dist / f"algo-run-{facts.version}.spdx.json").write_text(json.dumps(document, indent=2) + "\n")
