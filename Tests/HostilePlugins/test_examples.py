#!/usr/bin/env python3
"""What the example plugins decide, and the library that speaks for them: shown without a far end. One line for each that fails."""
import importlib.util
import json
import os
import subprocess
import sys
import types
import unittest

EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "Plugins", "Examples")
sys.path.insert(0, EXAMPLES)
import pouch_plugin  # noqa: E402


def load(name):
    """A plugin's module, which serves nobody."""
    serve, pouch_plugin.serve = pouch_plugin.serve, lambda *arguments, **options: None
    try:
        spec = importlib.util.spec_from_file_location(name, os.path.join(EXAMPLES, name, name + ".py"))
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    finally:
        pouch_plugin.serve = serve


def order(checkpoint, size=3):
    return types.SimpleNamespace(
        delivery="d" * 32, key="daily.csv", suffixedKey="daily~dddddddd.csv", size=size, checkpoint=checkpoint)


class RcloneWithoutMetadata(unittest.TestCase):
    def presence(self, found, checkpoint):
        rclone = load("rclone").Rclone()
        rclone.keeps_metadata, rclone.join = False, "remote:"
        rclone.stat = lambda path: {"Size": found[path], "IsDir": False} if path in found else None
        return rclone.exists(order(checkpoint))

    def test_a_size_alone_never_says_that_it_arrived(self):
        for size in (3, -1):
            self.assertEqual(self.presence({"daily.csv": size}, "daily.csv"), pouch_plugin.UNKNOWN)
            self.assertEqual(self.presence({"daily.csv": size}, None), pouch_plugin.UNKNOWN)

    def test_a_part_that_is_there_was_not_moved(self):
        self.assertEqual(self.presence({"daily.csv": 3, f".{'d' * 32}.part": 3}, "daily.csv"), pouch_plugin.ABSENT)

    def test_what_has_another_size_or_name_is_not_ours(self):
        self.assertEqual(self.presence({"daily.csv": 4}, "daily.csv"), pouch_plugin.ABSENT)
        self.assertEqual(self.presence({"daily.csv": 3}, "daily~dddddddd.csv"), pouch_plugin.ABSENT)


class RcloneWords(unittest.TestCase):
    def test_what_it_says_before_it_ends_early_is_read(self):
        module = load("rclone")
        rclone = module.Rclone()
        rclone.keeps_metadata, rclone.join, rclone.options, rclone.environment = False, "remote:", [], os.environ

        def ends_early(command, **options):
            return popen(["sh", "-c", "echo 'AccessDenied: no' >&2; exit 1"], **options)

        popen, module.subprocess = subprocess.Popen, types.SimpleNamespace(**{**vars(subprocess), "Popen": ends_early})
        delivery = types.SimpleNamespace(delivery="d" * 32, size=64 << 20, blocks=lambda: (b"x" * (1 << 20) for _ in range(64)))
        with self.assertRaises(pouch_plugin.Failure) as caught:
            rclone.send(delivery, ".part")
        self.assertEqual(caught.exception.answer["class"], "hold")


class WebDAV(unittest.TestCase):
    def configured(self, url):
        plugin = load("webdav").WebDAV()
        plugin.configure({"url": url, "timeout": 1}, {})
        return plugin

    def test_an_address_with_user_and_password_is_refused(self):
        for url in ("https://me:pass@dav.example/", "https://me@dav.example/", "https://@dav.example/"):
            with self.assertRaises(pouch_plugin.Invalid):
                self.configured(url)
        self.configured("https://dav.example/a%40b/")

    def test_only_a_part_that_is_seen_says_that_it_was_not_moved(self):
        multistatus = b'<D:multistatus xmlns:D="DAV:"></D:multistatus>'
        for head, presence in ((200, pouch_plugin.ABSENT), (404, pouch_plugin.UNKNOWN), (403, pouch_plugin.UNKNOWN),
                               (405, pouch_plugin.UNKNOWN)):
            plugin = self.configured("https://dav.example/")
            plugin.ask = lambda method, path, **more: (head if method == "HEAD" else 207, multistatus, {})
            self.assertEqual(plugin.exists(order("daily.csv")), presence, head)


class Library(unittest.TestCase):
    def test_an_error_with_a_name_that_is_not_utf8_is_a_message(self):
        program = (
            "import pouch_plugin\n"
            "class P:\n"
            "    def configure(self, settings, secrets): raise OSError(2, 'no such file', b'\\xff'.decode(errors='surrogateescape'))\n"
            "pouch_plugin.serve('p', '1', P())\n")
        asked = '{"type":"configure","id":1,"settings":{},"secrets":{}}\n'
        running = subprocess.Popen([sys.executable, "-B", "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   env={**os.environ, "PYTHONPATH": EXAMPLES})
        running.stdin.write(asked.encode())
        running.stdin.flush()
        answer = json.loads(running.stdout.readline())
        running.communicate(timeout=60)
        self.assertEqual((answer["type"], answer["id"]), ("failed", 1))
        answer["text"].encode()


unittest.main(verbosity=0)
