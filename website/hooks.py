"""What the site has beyond the files in ``docs/``: see ``hooks`` in ``mkdocs.yml``.

* pages made from the commands (:mod:`command_pages`) and from files beside the code (:mod:`source_pages`), which stand
  in the navigation where it names their folder: ``commands/``;
* links that lead out of ``docs/`` in the repository lead to these pages in the site;
* pictures that are marked ``.inline`` stand in the page itself, so that they follow its colours.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Any

from command_pages import FOLDER, command_pages, shipped_plugins
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from source_pages import DOCS, pages_of_documents, source_pages, with_links_inside

ROOT = Path(__file__).parents[1]

_PICTURE = re.compile(r'<img(?=[^>]*class="inline")[^>]*src="([^"]+\.svg)"[^>]*>')


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages that are made, and puts them into the navigation."""
    made = {f"{FOLDER}/{name}.md": text for name, text in command_pages(shipped_plugins(ROOT)).items()}
    made |= {str(place): text for place, text in source_pages(ROOT).items()}
    for place, text in made.items():
        files.append(File.generated(config, place, content=text))
    config.nav = _filled(config.nav, list(made))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Leads links to pages of the site."""
    place = PurePosixPath(page.file.src_uri)
    sources = {made: source for source, made in pages_of_documents(ROOT).items() if made.name != "index.md"}
    return with_links_inside(markdown, sources.get(place, DOCS / place), ROOT)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Puts pictures into the page."""

    def picture(match: re.Match[str]) -> str:
        file = Path(config.docs_dir) / PurePosixPath(page.file.src_uri).parent / match[1]
        text = file.read_text(encoding="utf-8")
        return f'<div class="picture">{text[text.index("<svg") :]}</div>'

    return _PICTURE.sub(picture, html)


def _filled(nav: Any, made: list[str]) -> Any:
    """The navigation with the pages that are made in place of their folders."""
    if isinstance(nav, dict):
        return {title: _filled(entry, made) for title, entry in nav.items()}
    if isinstance(nav, list):
        filled: list[Any] = []
        for entry in nav:
            if isinstance(entry, str) and entry.endswith("/"):
                filled += [place for place in made if place.startswith(entry)]
            else:
                filled.append(_filled(entry, made))
        return filled
    return nav
