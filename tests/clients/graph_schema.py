"""Holds recorded Graph answers against the metadata of Graph (CSDL): which type a path leads to, and what it may hold.

usage: graph_schema.py METADATA ALLOWED RECORD..."""

import base64
import json
import re
import sys
from urllib.parse import unquote, urlsplit

from lxml import etree

from ews_schema import allowed

EDM = "{http://docs.oasis-open.org/odata/ns/edm}"
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?(Z|[+-]\d\d:\d\d)$")
DATE = re.compile(r"^\d{4}-\d\d-\d\d$")
GUID = re.compile(r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")
DURATION = re.compile(r"^-?P(?=.)(\d+D)?(T(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?$")
WHOLE = {"Edm.Byte": (0, 255), "Edm.Int16": (-(2**15), 2**15 - 1), "Edm.Int32": (-(2**31), 2**31 - 1), "Edm.Int64": (-(2**63), 2**63 - 1)}
TEXTS = {"Edm.DateTimeOffset": TIME, "Edm.Date": DATE, "Edm.Guid": GUID, "Edm.Duration": DURATION}


class Metadata:
    """The types of the metadata, by full name, and what is bound to them."""

    def __init__(self, path):
        self.types, self.enums, self.sets, self.bound, self.aliases = {}, {}, {}, {}, {}
        schemas = list(etree.parse(path).getroot().iter(EDM + "Schema"))
        for schema in schemas:
            if schema.get("Alias"):
                self.aliases[schema.get("Alias")] = schema.get("Namespace")
        for schema in schemas:
            self.read(schema)

    def read(self, schema):
        space = schema.get("Namespace")
        for element in schema:
            kind, name = etree.QName(element).localname, element.get("Name")
            if kind in ("EntityType", "ComplexType"):
                self.types[f"{space}.{name}"] = element
            elif kind == "EnumType":
                self.enums[f"{space}.{name}"] = {member.get("Name") for member in element.iter(EDM + "Member")}
            elif kind == "EntityContainer":
                for one in element:
                    if one.get("EntityType"):
                        self.sets[one.get("Name")] = f"Collection({self.full(one.get('EntityType'))})"
                    elif one.get("Type"):
                        self.sets[one.get("Name")] = self.full(one.get("Type"))
            elif kind in ("Action", "Function") and element.get("IsBound") == "true":
                to, back = element.find(EDM + "Parameter"), element.find(EDM + "ReturnType")
                key = (self.full(to.get("Type")), name)
                self.bound[key] = None if back is None else self.full(back.get("Type"))

    def full(self, name):
        """A type's name with its namespace instead of an alias."""
        inner = re.fullmatch(r"Collection\((.*)\)", name)
        if inner:
            return f"Collection({self.full(inner.group(1))})"
        space, _, last = name.rpartition(".")
        return f"{self.aliases.get(space, space)}.{last}"

    def lineage(self, name):
        while name:
            yield name
            base = self.types[name].get("BaseType") if name in self.types else None
            name = self.full(base) if base else None

    def properties(self, name):
        """All properties of a type, inherited ones included, and whether there may be others."""
        found, open_ended = {}, False
        for one in self.lineage(name):
            element = self.types.get(one)
            if element is None:
                continue
            open_ended = open_ended or element.get("OpenType") == "true"
            for child in element:
                if child.tag in (EDM + "Property", EDM + "NavigationProperty"):
                    found.setdefault(child.get("Name"), self.full(child.get("Type")))
        return found, open_ended

    def lead(self, path):
        """The type to which a path leads; nothing for a path that leads to no entity."""
        words = [unquote(word) for word in urlsplit(path).path.split("/") if word]
        if words and words[0] in ("v1.0", "beta"):
            words = words[1:]
        here = None
        for position, word in enumerate(words):
            name, _, key = word.partition("(")
            key = key.strip(")")
            if position == 0:
                here = "Collection(microsoft.graph.user)" if name == "users" else self.sets.get(name)
            else:
                here = self.step(here, name, word)
            if here is None or here == "raw":
                return here
            if key:
                inner = re.fullmatch(r"Collection\((.*)\)", here)
                here = inner.group(1) if inner else here
        return here

    def step(self, here, name, word):
        if name in ("$value", "$count"):
            return "raw"
        inner = re.fullmatch(r"Collection\((.*)\)", here)
        kinds = [f"Collection({one})" for one in self.lineage(inner.group(1))] if inner else list(self.lineage(here))
        for kind in kinds:
            if (kind, name) in self.bound:
                return self.bound[kind, name] or "raw"
        if inner:
            cast = self.full(word) if "." in word else None
            return f"Collection({cast})" if cast in self.types else inner.group(1)
        return self.properties(here)[0].get(name)


class Check:
    """Collects what is wrong with one answer."""

    def __init__(self, metadata):
        self.metadata, self.found = metadata, []

    def value(self, kind, value, where):
        if value is None:
            return
        inner = re.fullmatch(r"Collection\((.*)\)", kind)
        if inner:
            if not isinstance(value, list):
                self.found.append(f"{where}: no list")
                return
            for one in value:
                self.value(inner.group(1), one, where + "[]")
        elif kind in WHOLE:
            low, high = WHOLE[kind]
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                self.found.append(f"{where}: {value!r} is no {kind}")
        elif kind in TEXTS:
            if not isinstance(value, str) or not TEXTS[kind].match(value):
                self.found.append(f"{where}: {value!r} is no {kind}")
        elif kind == "Edm.Boolean":
            if not isinstance(value, bool):
                self.found.append(f"{where}: {value!r} is no {kind}")
        elif kind in ("Edm.Double", "Edm.Single", "Edm.Decimal"):
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                self.found.append(f"{where}: {value!r} is no {kind}")
        elif kind == "Edm.Binary":
            self.binary(value, where)
        elif kind in ("Edm.String", "Edm.Stream", "Edm.TimeOfDay"):
            if not isinstance(value, str):
                self.found.append(f"{where}: {value!r} is no text")
        elif kind in self.metadata.enums:
            if not isinstance(value, str) or not set(value.split(",")) <= self.metadata.enums[kind]:
                self.found.append(f"{where}: {value!r} is no {kind}")
        elif kind in self.metadata.types:
            self.object(kind, value, where)

    def binary(self, value, where):
        try:
            base64.b64decode(value, validate=True)
        except (ValueError, TypeError):
            self.found.append(f"{where}: no Base64")

    def object(self, kind, value, where):
        if not isinstance(value, dict):
            self.found.append(f"{where}: {value!r} is no {kind}")
            return
        said = str(value.get("@odata.type", "")).lstrip("#")
        if said:
            if said not in self.metadata.types or kind not in self.metadata.lineage(said):
                self.found.append(f"{where}: {said} is no {kind}")
                return
            kind = said
        known, open_ended = self.metadata.properties(kind)
        for name, one in value.items():
            if "@" in name:
                continue
            if name in known:
                self.value(known[name], one, f"{kind.rpartition('.')[2]}.{name}")
            elif not open_ended:
                self.found.append(f"{kind.rpartition('.')[2]}.{name}: not in the metadata")


def complaints(metadata, method, path, status, body, request):
    """What the metadata says about one JSON answer."""
    check = Check(metadata)
    if urlsplit(path).path.rstrip("/").endswith("/$batch") and status == 200:
        asked = {one["id"]: one for one in json.loads(request)["requests"]}
        for one in body.get("responses", []):
            inner = asked.get(one.get("id"))
            if inner is None or not isinstance(one.get("status"), int):
                check.found.append("$batch: an answer to nothing")
            elif isinstance(one.get("body"), dict):
                found = complaints(metadata, inner["method"], "/v1.0" + re.sub(r"^(https?://[^/]+)?(/v1\.0|/beta)?", "", inner["url"]), one["status"], one["body"], "")
                check.found += [f"in $batch: {complaint}" for complaint in found]
        return check.found
    if status >= 400:
        error = body.get("error")
        if not isinstance(error, dict) or not all(isinstance(error.get(name), str) for name in ("code", "message")):
            check.found.append(f"an error of another shape: {body!r:.200}")
        return check.found
    kind = metadata.lead(path)
    if kind == "raw":
        return check.found
    if kind is None:
        check.found.append(f"{method} {re.sub(r'[^/]{40,}', 'ID', urlsplit(path).path)}: leads nowhere in the metadata")
        return check.found
    inner = re.fullmatch(r"Collection\((.*)\)", kind)
    if inner and isinstance(body.get("value"), list):
        for one in body["value"]:
            removed = "@removed" in one
            check.object(inner.group(1), {"id": one.get("id")} if removed else one, inner.group(1))
    else:
        check.object(inner.group(1) if inner else kind, body, kind)
    return check.found


def main():
    metadata, exceptions, *records = sys.argv[1:]
    metadata, exceptions = Metadata(metadata), allowed(exceptions, "graph")
    seen, bad, excused = 0, {}, set()
    for record in records:
        with open(record, encoding="utf-8") as file:
            for entry in map(json.loads, file):
                path = re.sub("/+", "/", entry["path"])
                if not path.startswith("/v1.0/") or not (entry["type"] or "").startswith("application/json"):
                    continue
                seen += 1
                body, request = base64.b64decode(entry["answer"]), base64.b64decode(entry["request"])
                try:
                    found = complaints(metadata, entry["method"], path, entry["status"], json.loads(body), request)
                except ValueError as error:
                    found = [f"no JSON: {error}"]
                for complaint in found:
                    excuse = next((one for one in exceptions if one.search(complaint)), None)
                    if excuse is None:
                        bad.setdefault(complaint, []).append(entry)
                    else:
                        excused.add(excuse.pattern)
    for complaint, entries in sorted(bad.items(), key=lambda one: -len(one[1])):
        print(f"{len(entries)} times, first in {entries[0]['method']} {entries[0]['path'][:100]}: {complaint}")
    print(f"{seen} Graph answers, {len(bad)} kinds of complaints, {len(excused)} exceptions used")
    sys.exit(1 if bad or not seen else 0)


if __name__ == "__main__":
    main()
