"""A page's server, and headless Chromium."""
import contextlib
import functools
import http.server
import pathlib
import shutil
import socket
import sys
import threading

sys.path.append("/usr/lib/python3/dist-packages")  # the distribution's packages, which a virtual environment hides
try:
    from selenium import webdriver
except ImportError:
    webdriver = None


def has_localhost() -> bool:
    """Returns whether the system knows the name, by which Selenium, its driver and Chromium find each other."""
    try:
        socket.gethostbyname("localhost")
    except OSError:
        return False
    return True


MISSING_TOOLS = [tool for tool in ("chromium", "chromedriver", "node") if not shutil.which(tool)]
MISSING_TOOLS += ([] if webdriver else ["selenium"]) + ([] if has_localhost() else ["the name localhost (/etc/hosts)"])


def start_browser(profile: pathlib.Path, downloads: pathlib.Path):
    """Starts Chromium with an empty profile. What it downloads goes into a folder."""
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking", "--window-size=1200,1000",
                     f"--user-data-dir={profile}"):
        options.add_argument(argument)
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    options.binary_location = shutil.which("chromium")
    return webdriver.Chrome(options=options, service=webdriver.chrome.service.Service(shutil.which("chromedriver")))


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@contextlib.contextmanager
def served(folder: pathlib.Path):
    """Serves a folder, and gives the server and its address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(QuietHandler, directory=folder))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server, f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
