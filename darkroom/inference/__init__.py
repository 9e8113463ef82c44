"""Networks on arrays: devices, precisions, memory and exact tiles."""

import sys

# Without its tools: importing them reports to a server that OpenVINO is used, and takes 70 ms.
sys.modules.setdefault("openvino.tools", None)  # type: ignore[arg-type]
