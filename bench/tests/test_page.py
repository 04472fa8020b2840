# SPDX-License-Identifier: MIT
"""The HTML page in a browser: each link of its contents is clicked, in a wide and a narrow frame, light and dark."""
import html
import json
import re
import shutil
import subprocess

import pytest

from barrow_bench.results import LineResult

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")

CHECK = """
<script>
addEventListener("load", () => {
  const found = { clicked: 0, faults: [] };
  for (const link of document.querySelectorAll("nav a")) {
    link.click();
    const target = document.querySelector(link.hash);
    if (!target || location.hash !== link.hash) found.faults.push("no target: " + link.hash);
    else if (target.getBoundingClientRect().top > innerHeight) found.faults.push("not shown: " + link.hash);
    found.clicked++;
  }
  if (document.documentElement.scrollWidth > innerWidth + 1) {
    const wide = [...document.querySelectorAll("body *")].filter(
      (each) => !each.closest(".scroll, .plot") && each.getBoundingClientRect().right > innerWidth);
    found.faults.push("the page itself scrolls sideways: " + wide.map((each) => each.outerHTML.slice(0, 80)));
  }
  for (const text of document.querySelectorAll("svg text")) {
    const height = text.getBoundingClientRect().height;
    if (height > 0 && height < 8) { found.faults.push("text of " + height + " px"); break; }
  }
  const hint = document.querySelector(".more");
  found.hint = hint ? getComputedStyle(hint).display : "";
  found.ground = getComputedStyle(document.body).backgroundColor;
  found.text = getComputedStyle(document.body).color;
  parent.document.title = JSON.stringify(found);
});
</script>
"""


def brightness(colour: str) -> float:
    return sum(int(part) for part in re.findall(r"\d+", colour)[:3]) / 3


def visit(chromium, page, folder, width, scheme):
    (folder / "page.html").write_text(page.replace("</body>", CHECK + "</body>"))
    wrapper = folder / "wrapper.html"
    wrapper.write_text(
        f'<!DOCTYPE html><title>none</title><iframe width="{width}" height="800" src="page.html"></iframe>'
    )
    ran = subprocess.run(
        [
            chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files", f"--user-data-dir={folder / 'profile'}",
            f"--blink-settings=preferredColorScheme={scheme}", "--virtual-time-budget=5000",
            "--dump-dom", wrapper.as_uri(),
        ],
        capture_output=True, text=True, timeout=120,
    )
    title = re.search(r"<title>(\{.*?\})</title>", ran.stdout)
    assert title, ran.stderr[-1000:] + ran.stdout[:300]
    return json.loads(html.unescape(title[1]))


@pytest.fixture
def page_text(make_line, make_results):
    from barrow_bench import page

    lines = [make_line(f"line/{n}", {"system": [2.0, 2.1], "barrow": [1.0, 0.01 * n + 0.02]}) for n in range(6)]
    facts = {"name": "instructions", "group": "instructions", "about": "pairs", "counted": False, "curve": None}
    sample = {"wall": 1.0, "cpu": 1.0, "rss": 1, "faults": 1}
    lines.append(
        LineResult(
            facts,
            {name: [{**sample, "values": {"64 B, one": n, "4 KiB, one": n + 9}}] for name, n in (("system", 140), ("barrow", 54))},
        )
    )
    return page.render(make_results(lines, ["system", "barrow"]))


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_the_page_in_a_browser(page_text, tmp_path, width, scheme):
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed")
    found = visit(chromium, page_text, tmp_path, width, {"dark": 0, "light": 1}[scheme])
    assert found["clicked"] >= 4 and not found["faults"]
    assert (found["hint"] == "block") == (width == 390)
    assert (brightness(found["ground"]) < 80) == (scheme == "dark")
    assert abs(brightness(found["ground"]) - brightness(found["text"])) > 120


def test_instructions_have_a_picture(page_text):
    section = page_text[page_text.index('<section id="instructions">') :]
    assert "<svg" in section[: section.index("</section>")]
