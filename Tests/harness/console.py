# SPDX-License-Identifier: Apache-2.0
"""A browser on the web console of `algo-run serve`: Debian's Chromium, driven by Playwright."""

import contextlib
import re
import shutil

from harness import processes

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@contextlib.contextmanager
def chromium():
    """A browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


def address(server):
    """The address that opens the console: the last word of its line on stderr."""
    found = []
    processes.await_until(lambda: found.extend(re.findall(r"console: (\S+)", "".join(server.messages))) or found,
                          "the line of the console")
    return found[-1]


class Visit:
    """A page of a browser, which notes everything that a visitor would find in the developer tools."""

    def __init__(self, browser, server, **options):
        self.base = f"http://127.0.0.1:{server.port}"
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.complaints = []
        self.page.on("console", lambda message: message.type in ("error", "warning") and self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.complaints.append("dialog: " + dialog.message), dialog.dismiss()))

    def open(self, path):
        """Goes to a path of the console."""
        self.page.goto(self.base + path)
        return self.page

    def log_in(self, server):
        self.page.goto(address(server))
        return self.page
