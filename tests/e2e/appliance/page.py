#!/usr/bin/python3
"""The page of iris-service in headless Chromium, as somebody sees and uses it.

page.py host|guest, in an empty folder. With $SCREENSHOTS, leaves pictures in that folder."""
import os
import sys
from pathlib import Path

from browser import Browser
from checks import DATA, expected, without
from stores import FaultyStore
from subject import Subject
from tap import equal, finish, ok, wait_until

LEFT, HOME, END = "\ue012", "\ue011", "\ue010"  # keys, as WebDriver names them


def text(browser, css):
    return browser.run("return document.querySelector(arguments[0])?.innerText", css)


def check_content(browser, model):
    for name in model.data.classes:
        count = browser.run("return document.querySelectorAll(`.sample[data-class=${arguments[0]}]`).length", name)
        k = model.data.classes.index(name)
        equal(f"samples of {name} are drawn", count, (model.data.train.y + model.data.test.y).count(k))
    fills = browser.run(
        "return [...new Set([...document.querySelectorAll('.sample.train')].map((s) => getComputedStyle(s).fill))]"
    )
    equal("each species in a colour of its own", len(fills), len(model.data.classes))
    cells = browser.run("return [...document.querySelectorAll('#confusion tr')].slice(2).map((r) => [...r.querySelectorAll('td')].map((c) => +c.innerText))")
    equal("the confusion matrix", cells, model.confusion.tolist())
    equal("the report", text(browser, "#report"), model.report.rstrip("\n"))
    ok("the accuracy", "98 % right" in text(browser, "#summary"), text(browser, "#summary"))


def place(browser):
    return browser.run(
        "const c = document.querySelector('#marker circle'); return [+c.getAttribute('cx'), +c.getAttribute('cy')]"
    )


def shown(browser):
    """What is said of the flower: in words, and in the plot."""
    return browser.run("return [prediction.innerText, marker.dataset.class, marker.querySelector('text').textContent]")


def check_sliders(browser, subject):
    for feature, ends, want in ((2, HOME, "setosa"), (2, END, "virginica")):
        before = place(browser)
        browser.press(f"#slider{feature}", ends)
        if feature == 2:
            browser.press("#slider3", ends)
        wait_until(want, lambda: shown(browser) == [want] * 3)
        ok(f"sliders at an end: {want}, in words and in the plot", True)
        after = place(browser)
        ok("and the flower in the plot has moved both ways", all(a != b for a, b in zip(before, after)), (before, after))
    before = place(browser)
    browser.press("#slider2", LEFT * 10)
    wait_until("the marker", lambda: place(browser)[0] < before[0])
    equal("a slider moves its own axis alone", place(browser)[1], before[1])
    values = browser.run("return [...document.querySelectorAll('input[type=range]')].map((s) => +s.value)")
    want = subject.predict(values)[1]["predictions"][0]["class"]
    wait_until("the answer", lambda: shown(browser)[0] == want)
    ok("what is shown is what the service answers", True)
    scores = browser.run("return document.querySelectorAll('.score').length")
    equal("a score for each species", scores, 3)


def regions(browser):
    return browser.run("return document.querySelector('canvas').toDataURL()")


def check_axes(browser):
    before = regions(browser)
    browser.press("#slider1", HOME)
    wait_until("other regions", lambda: regions(browser) != before)
    ok("the regions follow the measurements that are not drawn", True)
    browser.run("across.value = 0; across.onchange()")
    labels = browser.run("return [...document.querySelectorAll('#plot svg text')].map((t) => t.textContent)")
    ok("another axis can be chosen", "sepal length (cm)" in labels, labels)


def check_swap(browser, store):
    store.body = without(0, 1)
    want = expected(store.body)
    sliders = browser.run("return [...document.querySelectorAll('input[type=range]')].map((s) => s.value)")
    wait_until("the new model on the page", lambda: browser.run("return document.body.dataset.model") == want.version)
    count = browser.run("return document.querySelectorAll('.sample').length")
    equal("a new model's samples appear by themselves", count, 148)
    after = browser.run("return [...document.querySelectorAll('input[type=range]')].map((s) => s.value)")
    equal("and the sliders stay where they are", after, sliders)


def check_phone(browser):
    for width in (320, 390):
        browser.size(width, 800, mobile=True)
        wait_until("the plot in the new width", lambda: browser.run("return plot.querySelector('svg').viewBox.baseVal.width") < width)
        wide = browser.run("return document.documentElement.scrollWidth")
        ok(f"{width} pixels wide: nothing to scroll sideways", wide <= width, wide)
        report = browser.run("return report.scrollWidth <= report.clientWidth")
        ok(f"{width} pixels wide: the report fits", report)
        sizes = browser.run(
            "return [...document.querySelectorAll('#plot svg text')].map((t) => t.getBoundingClientRect())"
            ".filter((r) => r.left < 0 || r.right > innerWidth + 1).length"
        )
        equal(f"{width} pixels wide: no label is cut", sizes, 0)


def picture(browser, name):
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        browser.screenshot(Path(folder) / f"{name}.png")


def main():
    subject, browser = Subject("service", sys.argv[1] == "guest"), None
    store = FaultyStore(DATA)
    try:
        subject.start(store.port)
        wait_until("a model", lambda: subject.health()["model"])
        browser = Browser()
        browser.size(1280, 1100)
        url = f"http://127.0.0.1:{subject.port}/"
        browser.open(url)
        wait_until("the page's model", lambda: browser.run("return document.body.dataset.model"))
        picture(browser, "wide")
        check_content(browser, expected(DATA))
        check_sliders(browser, subject)
        check_axes(browser)
        check_swap(browser, store)
        picture(browser, "used")
        check_phone(browser)
        picture(browser, "phone")
        browser.scheme("dark")
        picture(browser, "dark")
        equal("nothing is complained of", browser.complaints(), [])
        asked = browser.requested(url)
        ok("the page asks the service", {url, url + "model", url + "predict"} <= asked, asked)
        equal("and nobody else", [one for one in asked if not one.startswith((url, "data:"))], [])
        subject.stop()
        wait_until("the page to say so", lambda: not browser.run("return trouble.hidden"))
        ok("when the service is gone, the page says so", True)
        picture(browser, "gone")
    except Exception as error:
        ok(f"{type(error).__name__}: {error}", False, subject.log.read_text()[-3000:])
        raise
    finally:
        if browser:
            browser.close()
        if subject.process and subject.process.poll() is None:
            subject.process.kill()
    return finish()


if __name__ == "__main__":
    sys.exit(main())
