import subprocess
import sys


def test_openvino_comes_without_the_tools_that_tell_a_server() -> None:
    script = (
        "import darkroom.inference.openvino_engine, sys;"
        "sys.exit(any('telemetry' in name or 'tools.ovc' in name for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
