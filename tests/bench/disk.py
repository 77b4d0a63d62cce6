"""What eleven releases take on disk, each 1 % from the one before, by file system and tool."""
from corpora import make_release
from images import Image
from measure import run
from rounds import copy_of, say
from tools import environment_of

RELEASES = 11
TOOLS = ["shipit", "restic", "borg"]


def fill_stores(corpus, image, work, tools):
    """Bytes by tool: the first release, and all of them."""
    stores = {tool.name: image.root / tool.name for tool in tools}
    taken = {tool.name: 0 for tool in tools}
    first = {}
    for number in range(1, RELEASES + 1):
        say(f"{corpus.name}, disk on {image.kind}: release {number} of {RELEASES}")
        if number > 1:
            make_release(corpus.name, work, 1, seed=f"{corpus.name} release {number}")
        for tool in tools:
            store = stores[tool.name]
            before = image.used()
            if number == 1:
                store.mkdir()
                for command in tool.prepare(store):
                    run(command, env=environment_of(tool, store))
            run(tool.pack(store, work, f"r{number:02}"), env=environment_of(tool, store))
            taken[tool.name] += image.used() - before
        first = first or dict(taken)
    return {tool.name: {"one": first[tool.name], "all": taken[tool.name]} for tool in tools}


def measure_disk(corpus, kinds, gigabytes, tools, work_image):
    """On each kind of file system; the builds are on another."""
    tools = [tool for tool in tools if tool.name in TOOLS]
    work = work_image.root / "work"
    result = {}
    for kind in kinds:
        with Image(kind, gigabytes) as image:
            copy_of(corpus / "v1", work, "-a")
            result[kind] = fill_stores(corpus, image, work, tools)
    return result
