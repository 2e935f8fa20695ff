"""Checks that the autotuner's programs refuse each bad argument in one line, which names it and says what is allowed."""
import os
import subprocess
import sys
import unittest

from fixture import BUILD, NETWORK, SOURCE, TOOLS

GEOMETRY = ["large_width=9", "large_height=9", "small_width=5", "small_height=5", "kernel_width=3", "kernel_height=3"]
# Bad arguments and their error messages.
MISTAKES = {
    ("nowhere",): "there is no generator nowhere; correlate, spread and kernel_gradient",
    ("correlate", "large"): "large is not name=value",
    ("correlate", "large=9"): "large=9: the parameters are large_height, large_width",
    ("correlate", "decays=true"): "decays=true: the parameters are",
    ("kernel_gradient", "decays=perhaps"): "decays=perhaps: the values are false, true",
    ("spread", "activation=step"): "activation=step: the values are linear, relu",
    ("spread", "pass=back"): "pass=back: the values are backward_data, forward",
    ("spread", "large_width="): "large_width=: the values are numbers from 1 to 1048576",
    ("spread", "large_width=9x"): "large_width=9x: the values are numbers",
    ("spread", "stride_x=0"): "stride_x=0: the values are numbers from 1",
    ("spread", "pad_x=-1"): "pad_x=-1: the values are numbers from 0",
    ("spread", "large_width=99999999999"): "large_width=99999999999: the values are numbers",
}


class ArgumentsTest(unittest.TestCase):
    def check_refused(self, command: list, reason: str, **variables: str) -> None:
        with self.subTest(command=command, **variables):
            result = subprocess.run([str(word) for word in command], env=os.environ | variables, capture_output=True, text=True)
            self.assertEqual((result.returncode, result.stdout), (1, ""), result.stderr)
            self.assertRegex(result.stderr, r"^error: [^\n]+\n$")
            self.assertIn(reason, result.stderr)

    def test_castnet_space(self):
        space = BUILD / "bin" / "castnet_space"
        self.check_refused([space], "castnet_space GENERATOR name=value")
        for (generator, *arguments), reason in MISTAKES.items():
            self.check_refused([space, generator, *GEOMETRY, *arguments], reason)

    def test_castnet_measure(self):
        measure = BUILD / "bin" / "castnet_measure"
        self.check_refused([measure], "generator is required")
        self.check_refused([measure, "correlate", *GEOMETRY, "--peak", "none.so"], "--contender is required")
        for (generator, *arguments), reason in MISTAKES.items():
            self.check_refused([measure, generator, *GEOMETRY, *arguments, "--peak", "none.so", "--contender", "none.so"], reason)
        for option in ("--images", "--rounds"):
            for value in ("0", "-1", "many", "1e99"):
                self.check_refused([measure, "correlate", *GEOMETRY, "--peak", "none.so", "--contender", "none.so", option, value], option)

    def test_autotune(self):
        script = SOURCE / "cmake" / "autotune" / "autotune.py"
        self.check_refused([sys.executable, script], "are required: network")
        command = [sys.executable, script, NETWORK, *TOOLS, "--plugins", ".", "--compiler", "c++", "--schedules", "cpu.txt", "--folder", "nowhere",
                   "--report"]
        subprocess.run([str(word) for word in command], check=True)
        self.check_refused([*command, "--pipelines", "squeeze"], "--pipelines squeeze: test_gap has squeeze-forward, squeeze-backward_weights")
        self.check_refused(command, "--pipelines squeeze: test_gap has squeeze-forward", AUTOTUNE_PIPELINES="stretch-forward,squeeze")
        self.check_refused([*command[:2], "nowhere.castnet", *command[3:]], "nowhere.castnet")
        self.check_refused([*command, "--measure", "nowhere/measure"], "nowhere/measure")
        self.check_refused([*command, "--budget", "-1"], "--budget: -1 is not a number from 0 on")
        for value in ("soon", "nan", "inf", "-1", ""):
            self.check_refused(command, f"{value} is not a number from 0 on; write AUTOTUNE_BUDGET=60, say", AUTOTUNE_BUDGET=value)
        for value in ("some", "1.5", "-1", ""):
            self.check_refused(command, f"{value} is not a number from 0 on; write AUTOTUNE_TRIALS=64, say", AUTOTUNE_TRIALS=value)


if __name__ == "__main__":
    unittest.main()
