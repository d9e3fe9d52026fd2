"""What tests of the tool share: a folder for a class of tests, and the tool run in it, successfully or refused with words.

Standard library only. A test's last lines are `if __name__ == "__main__": tool_case.main()`; the first argument is the tool.
"""
import os
import subprocess
import sys
import tempfile
import unittest


class ToolCase(unittest.TestCase):
    tool = ""

    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    @classmethod
    def path(cls, name):
        return os.path.join(cls.temporary.name, name)

    @classmethod
    def write(cls, name, data):
        with open(cls.path(name), "wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)

    @classmethod
    def run_tool(cls, *args, timeout=600):
        return subprocess.run([ToolCase.tool, *args], capture_output=True, text=True, timeout=timeout, cwd=cls.temporary.name)

    @classmethod
    def good(cls, *args):
        done = cls.run_tool(*args)
        assert done.returncode == 0, (args, done.stderr)
        return done

    def bad(self, status, words, *args):
        done = self.run_tool(*args)
        self.assertEqual(done.returncode, status, (args, done.stdout, done.stderr))
        for word in [words] if isinstance(words, str) else words:
            self.assertIn(word, done.stderr, args)
        return done


def main():
    ToolCase.tool = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=1)
