"""Checks for every page: it is readable, usable without a mouse, and logs no errors."""

from __future__ import annotations

import base64
from typing import Any

from .chromium import Page, Picture

DOMAINS = ("Page", "Network", "Log", "Runtime", "Accessibility", "DOM")

# Roles of elements that users operate, or look for.
NAMED = {"button", "link", "textbox", "progressbar", "image", "region", "log", "heading"}

# The minimum contrast of text (WCAG 2.2, success criterion 1.4.3, level AA).
CONTRAST = 4.5

# The page's texts with less contrast, each with its own. A canvas converts all colours.
LOW_CONTRAST = """
(() => {
  const context = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
  const paint = colours => {
    context.clearRect(0, 0, 1, 1);
    for (const colour of colours) { context.fillStyle = colour; context.fillRect(0, 0, 1, 1) }
    return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = rgb => rgb.map(value => value / 255)
    .map(value => value <= .04045 ? value / 12.92 : ((value + .055) / 1.055) ** 2.4)
    .reduce((sum, value, i) => sum + value * [.2126, .7152, .0722][i], 0);
  const found = [];
  for (const element of document.querySelectorAll("body, body *")) {
    const text = [...element.childNodes].filter(node => node.nodeType === 3)
      .map(node => node.data.trim()).join("");
    if (!text || !element.checkVisibility() || element.disabled) continue;
    const behind = [];
    for (let at = element; at; at = at.parentElement)
      behind.unshift(getComputedStyle(at).backgroundColor);
    const ground = ["Canvas", ...behind];
    const [one, other] = [light(paint(ground)),
      light(paint([...ground, getComputedStyle(element).color]))].sort((a, b) => b - a);
    const contrast = (one + .05) / (other + .05);
    if (contrast < %s) found.push([text.slice(0, 40), contrast]);
  }
  return found;
})()
"""


async def visit(page: Page, url: str) -> None:
    """Load *url*, and wait until it is complete."""
    page.events.clear()
    went = await page.do("Page.navigate", url=url)
    assert "errorText" not in went, went
    await page.expect("Page.loadEventFired")


async def until(page: Page, expression: str) -> Any:
    """Return the value of a JavaScript *expression* as soon as it is true."""
    return await page.evaluate(
        "new Promise((done, fail) => { const end = performance.now() + 20000; const look = () => {"
        f" const value = ({expression}); value ? done(value) : performance.now() > end"
        f" ? fail(new Error({expression!r} + document.body.innerText)) : setTimeout(look, 20) }};"
        " look() })"
    )


async def show(page: Page, width: int, scheme: str = "light", *more: tuple[str, str]) -> None:
    """Show the page *width* pixels wide, with the user preference *scheme*, and *more*."""
    await page.do(
        "Emulation.setDeviceMetricsOverride",
        width=width, height=900, deviceScaleFactor=1, mobile=width < 600,
    )  # fmt: skip
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    features += [{"name": name, "value": value} for name, value in more]
    await page.do("Emulation.setEmulatedMedia", features=features)


async def check_looks(page: Page) -> None:
    """Wide and narrow, light and dark: all of it is within the window, and readable."""
    grounds = {}
    for width in (320, 390, 1280):
        for scheme in ("light", "dark"):
            await show(page, width, scheme)
            assert await page.evaluate("document.documentElement.scrollWidth") == width
            # otherwise colours would be in the middle of a transition
            low = await page.evaluate(LOW_CONTRAST % (CONTRAST,))
            assert low == [], (width, scheme, low)
            corner = {"x": 0, "y": 0, "width": 4, "height": 4, "scale": 1}
            done = await page.do("Page.captureScreenshot", format="png", clip=corner)
            picture = Picture.decode(base64.b64decode(done["data"]))
            grounds[scheme] = int(picture.colour(2, 2), 16)
    assert grounds["light"] > 0xE00000 > 0x202020 > grounds["dark"]


async def check_names(page: Page) -> None:
    """Elements that users operate have a name for screen readers."""
    tree = await page.do("Accessibility.getFullAXTree")
    seen = set()
    for node in tree["nodes"]:
        role = node.get("role", {}).get("value")
        if role in NAMED and not node["ignored"]:
            seen.add(role)
            assert node.get("name", {}).get("value", "").strip(), node
    assert seen >= {"link", "heading"} or seen >= {"button", "heading"}


async def press(page: Page, key: str) -> None:
    """Press and release *key*, such as Tab."""
    codes = {"Tab": (9, ""), "Enter": (13, "\r"), "Space": (32, " ")}
    number, text = codes[key]
    event = {"key": " " if key == "Space" else key, "code": key, "windowsVirtualKeyCode": number}
    await page.do("Input.dispatchKeyEvent", type="keyDown", text=text, **event)
    await page.do("Input.dispatchKeyEvent", type="keyUp", **event)


async def tab_through(page: Page) -> list[str]:
    """Return the ids or texts of the elements that Tab reaches, in order; each shows the focus."""
    reached: list[str] = []
    # from the beginning, wherever the focus was
    await page.evaluate(
        "(body => { body.tabIndex = -1; body.focus(); body.blur() })(document.body)"
    )
    while True:
        await press(page, "Tab")
        found = await page.evaluate(
            "(element => element === document.body || element.dataset.reached ? null"
            " : [element.dataset.reached = element.id || element.textContent,"
            " getComputedStyle(element).outlineStyle])(document.activeElement)"
        )
        if found is None:
            return reached
        assert found[1] != "none", found
        reached.append(found[0])


def check_quiet(page: Page, url: str) -> None:
    """The page has logged no error, and has requested nothing from other servers."""
    complaints = [
        (name, params)
        for name, params in page.events
        if name == "Runtime.exceptionThrown"
        or (name == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"))
        or (name == "Log.entryAdded" and params["entry"]["level"] == "error")
    ]
    assert complaints == [], complaints
    asked = [
        params["request"]["url"]
        for name, params in page.events
        if name == "Network.requestWillBeSent"
    ]
    assert asked
    assert [other for other in asked if not other.startswith((url, "data:"))] == []
