"""Holds recorded EWS answers against Microsoft's XML schema.

usage: ews_schema.py FOLDER-OF-SCHEMA ALLOWED RECORD..."""

import base64
import json
import os
import re
import sys
import tempfile

from lxml import etree

SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
XS = "{http://www.w3.org/2001/XMLSchema}"
TYPES = "http://schemas.microsoft.com/exchange/services/2006/types"
XML = "http://www.w3.org/XML/1998/namespace"
# Members of the substitution group of t:Transition that stand beside it, which makes the published schema ambiguous.
AMBIGUOUS = {"t:AbsoluteDateTransition", "t:RecurringDayTransition", "t:RecurringDateTransition"}


def load(folder):
    """The schema, with the two defects of the published files put right."""
    with tempfile.TemporaryDirectory() as place:
        types = etree.parse(os.path.join(folder, "types.xsd"))
        for element in types.getroot().iter(XS + "import"):
            if element.get("namespace") == XML:
                element.set("schemaLocation", "xml.xsd")
        for element in list(types.getroot().iter(XS + "element")):
            if element.get("ref") in AMBIGUOUS:
                element.getparent().remove(element)
        types.write(os.path.join(place, "types.xsd"))
        etree.parse(os.path.join(folder, "messages.xsd")).write(os.path.join(place, "messages.xsd"))
        with open(os.path.join(place, "xml.xsd"), "w", encoding="utf-8") as file:
            file.write(
                f'<xs:schema xmlns:xs="{XS[1:-1]}" targetNamespace="{XML}">'
                '<xs:attribute name="lang" type="xs:language"/></xs:schema>'
            )
        return etree.XMLSchema(etree.parse(os.path.join(place, "messages.xsd")))


def allowed(path, section):
    """The exceptions of one section of the list: patterns, each with its reason after a hash."""
    found, here = [], False
    with open(path, encoding="utf-8") as file:
        for line in map(str.strip, file):
            if line.startswith("["):
                here = line == f"[{section}]"
            elif here and line and not line.startswith("#"):
                pattern, _, reason = line.partition("  #")
                if not reason.strip():
                    raise SystemExit(f"{path}: no reason for {line!r}")
                found.append(re.compile(pattern.strip()))
    return found


def complaints(schema, answer):
    """What the schema says about one SOAP answer."""
    try:
        envelope = etree.fromstring(answer)
    except etree.XMLSyntaxError as error:
        return [f"not well-formed: {error}"]
    if envelope.tag != SOAP + "Envelope":
        return [f"no envelope but {envelope.tag}"]
    body = envelope.find(SOAP + "Body")
    if body is None or len(body) != 1:
        return ["the body does not hold one element"]
    version = envelope.find(f"{SOAP}Header/{{{TYPES}}}ServerVersionInfo")
    found = [] if version is not None else ["no ServerVersionInfo in the header"]
    parts = [] if version is None else [version]
    if body[0].tag == SOAP + "Fault":
        names = [etree.QName(child).localname for child in body[0]]
        if names[:2] != ["faultcode", "faultstring"]:
            found.append(f"a fault with {names}")
    else:
        parts.append(body[0])
    for part in parts:
        if not schema.validate(etree.ElementTree(etree.fromstring(etree.tostring(part)))):
            found += [f"{etree.QName(part).localname}: {error.message}" for error in schema.error_log]
    return found


def main():
    folder, exceptions, *records = sys.argv[1:]
    schema, exceptions = load(folder), allowed(exceptions, "ews")
    seen, bad, excused = 0, {}, set()
    for record in records:
        with open(record, encoding="utf-8") as file:
            for entry in map(json.loads, file):
                path = entry["path"].lower().split("?")[0]
                if not path.endswith("/exchange.asmx") or not (entry["type"] or "").startswith("text/xml"):
                    continue
                seen += 1
                for complaint in complaints(schema, base64.b64decode(entry["answer"])):
                    excuse = next((one for one in exceptions if one.search(complaint)), None)
                    if excuse is None:
                        bad.setdefault(complaint, []).append(entry)
                    else:
                        excused.add(excuse.pattern)
    for complaint, entries in sorted(bad.items(), key=lambda one: -len(one[1])):
        asked = re.search(rb"Body[^>]*>\s*<(?:\w+:)?(\w+)", base64.b64decode(entries[0]["request"]))
        print(f"{len(entries)} times, first in {asked and asked.group(1).decode()}: {complaint}")
    print(f"{seen} EWS answers, {len(bad)} kinds of complaints, {len(excused)} exceptions used")
    sys.exit(1 if bad or not seen else 0)


if __name__ == "__main__":
    main()
