"""What the documents say is so: faults, commands, exit codes, snippets."""

from __future__ import annotations

import re

from d365kit.cli.app import app
from d365kit.sandbox.company import FAULTS
from tests.conftest import REPOSITORY

README = (REPOSITORY / "README.md").read_text("utf-8")


def faults_table() -> str:
    """The README's table of planted faults, made from the sandbox's own."""
    lines = ["| planted | what is wrong | found by | records |", "|---|---|---|---|"]
    lines += [f"| {f.name} | {f.wrong} | `{f.check}` | {f.count} |" for f in FAULTS if f.in_demo]
    return "\n".join(lines)


def test_the_readme_lists_the_planted_faults() -> None:
    shown = README.split("<!-- faults -->")[1].split("<!-- /faults -->")[0].strip()
    assert shown == faults_table(), "run: python -m tests.test_docs"


def test_every_command_the_readme_names_exists() -> None:
    known = {c.name or (c.callback.__name__ if c.callback else "") for c in app.registered_commands}
    known |= {g.name for g in app.registered_groups}
    for command in re.findall(
        r"`?d365kit ([a-z]+)[` ]", "\n".join(re.findall(r"`d365kit [^`]+`|^d365kit .*", README, re.MULTILINE))
    ):
        assert command in known, command


def test_readme_snippets_use_names_that_exist() -> None:
    from d365kit.workspace import Workspace

    for method in re.findall(r"^ws\.(\w+)\(|= ws\.(\w+)\(", README, re.MULTILINE):
        name = method[0] or method[1]
        assert hasattr(Workspace, name), name


def test_the_readme_extends_the_catalogue_as_it_says() -> None:
    from d365kit.kinds import load_catalogue

    (snippet,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    mine, shipped = load_catalogue(snippet), load_catalogue()
    assert mine["customer"]["discount_group"].goes_to("dv")
    assert mine["resource"].bc.set != shipped["resource"].bc.set
    assert len(mine["customer"].dv.scope) == len(shipped["customer"].dv.scope) + 1


def test_every_key_of_kinds_toml_is_explained() -> None:
    from dataclasses import fields

    from d365kit.kinds import Field, Kind, Source, load_catalogue
    from d365kit.kinds.transforms import TRANSFORMS

    text = (REPOSITORY / "docs" / "own_kinds.md").read_text("utf-8")
    parts = dict(zip(("kind", "side", "field"), re.split(r"^## ", text, flags=re.MULTILINE)[1:], strict=True))
    for part, of in (("kind", Kind), ("side", Source), ("field", Field)):
        told = {
            k
            for line in re.findall(r"^\| (`.*?) \|", parts[part], re.MULTILINE)
            for k in re.findall(r"`(\w+)`", line)
        }
        assert told | {"name"} == {f.name for f in fields(of)} | {"name"}, part
    assert all(f"`{name}`" in parts["field"] for name in TRANSFORMS)
    (snippet,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    assert load_catalogue(snippet)["customer"]["group"].goes_to("dv")


def test_the_readme_names_every_page_the_catalogue_reads() -> None:
    from d365kit.kinds import load_catalogue

    for kind in load_catalogue():
        places = [kind.bc] if kind.bc.is_page else []
        for place in [*places, *([kind.bc.card] if kind.bc.card else [])]:
            assert f"`{place.set.rpartition('/')[2]}`" in README, kind.name
            assert re.search(rf"\b{place.page}\b", README), kind.name


def test_every_command_has_help() -> None:
    for command in app.registered_commands:
        assert command.callback is not None
        assert (command.callback.__doc__ or "").strip().endswith("."), command.callback.__name__


def test_public_names_are_documented() -> None:
    import d365kit

    for name in d365kit.__all__:
        if not name.startswith("__"):
            assert getattr(d365kit, name).__doc__, name


def test_make_lab_opens_a_notebook_that_is_shipped() -> None:
    recipe = (REPOSITORY / "Makefile").read_text("utf-8").split("lab: setup")[1].split("test: setup")[0]
    opened = re.search(r"\$\(DEMO\)/(notebooks/\S+\.ipynb)", recipe)
    assert opened
    assert (REPOSITORY / opened.group(1)).is_file()


if __name__ == "__main__":
    head, _, rest = README.partition("<!-- faults -->")
    tail = rest.partition("<!-- /faults -->")[2]
    text = f"{head}<!-- faults -->\n{faults_table()}\n<!-- /faults -->{tail}"
    (REPOSITORY / "README.md").write_text(text, "utf-8")
