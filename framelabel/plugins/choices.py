"""Whether the decoder, tracker and consensus method that a manifest names exist and have the options it gives."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from framelabel.core.catalog import Catalog, did_you_mean, options_of
from framelabel.core.config import build
from framelabel.core.errors import FramelabelError
from framelabel.inference.decoders.catalog import DECODERS
from framelabel.inference.recognisers.catalog import RECOGNISERS
from framelabel.plugins.schema import Manifest
from framelabel.plugins.yaml_lines import Location
from framelabel.review.consensus.catalog import CONSENSUS
from framelabel.tracking.catalog import OFFLINE_TRACKERS, ONLINE_TRACKERS, UNLINKED

TRACKERS: Catalog[Any] = Catalog("tracker", {**ONLINE_TRACKERS, **OFFLINE_TRACKERS, **UNLINKED})


def choice_problems(manifest: Manifest) -> Iterator[tuple[Location, str]]:
    """Yield an unknown decoder, tracker or consensus method, or an option that it lacks, with its place in the file."""
    model, tracker = manifest.model, manifest.tracker
    yield from _problems(DECODERS, model.decoder, model.decoder_options, ("model", "decoder"), "decoder_options")
    yield from _problems(TRACKERS, tracker.name, tracker.options, ("tracker", "name"), "options")
    yield from _recogniser_problems(manifest)
    if manifest.review.consensus not in CONSENSUS:
        name = manifest.review.consensus
        yield ("review", "consensus"), f"unknown consensus method '{name}'.{did_you_mean(name, CONSENSUS)}"


def recogniser_of(entry: Mapping[str, Any], where: str) -> tuple[str, Any]:
    """Return the kind and checked options of one entry of `recognise`.

    Raises:
        UsageError, UnknownNameError: no or an unknown kind, or an option that it does not have.
    """
    values = {key: value for key, value in entry.items() if key != "kind"}
    kind = str(entry.get("kind", ""))
    return kind, build(options_of(RECOGNISERS.load(kind)), values, f"{where}: recognise '{kind}'")


def _recogniser_problems(manifest: Manifest) -> Iterator[tuple[Location, str]]:
    names = manifest.ontology().names
    for index, entry in enumerate(manifest.recognise):
        try:
            kind, options = recogniser_of(entry, manifest.name)
        except FramelabelError as error:
            yield ("recognise", index, *key_in(str(error))), str(error)
            continue
        for name in options.classes():
            if name not in names:
                yield ("recognise", index), f"recognise '{kind}': unknown class '{name}'.{did_you_mean(name, names)}"


def _problems(
    catalog: Catalog[Any], name: str, options: Mapping[str, Any], place: Location, options_key: str
) -> Iterator[tuple[Location, str]]:
    try:
        kind = options_of(catalog.load(name))
    except FramelabelError as error:
        yield place, str(error)
        return
    inside = (*place[:-1], options_key)
    try:
        build(kind, options, f"{options_key} of '{name}'")
    except FramelabelError as error:
        yield (*inside, *key_in(str(error))), str(error)


def key_in(message: str) -> tuple[str, ...]:
    """Return the key that a message about options is about, as a location; () when it names none.

    >>> key_in("options of 'bytetrack': unknown key 'hgh'. Did you mean 'high'?")
    ('hgh',)
    """
    found = re.search(r": unknown key '([^']+)'", message) or re.search(r": (\w+): expected ", message)
    return (found.group(1),) if found else ()
