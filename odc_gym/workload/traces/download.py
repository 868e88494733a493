"""Download of public traces, which are checked by their hashes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from odc_gym.errors import OdcGymError, did_you_mean

BASE_URL = "https://raw.githubusercontent.com"
TIMEOUT_S = 30.0  # longest wait for an answer
CHUNK_BYTES = 2**16

Progress = Callable[[int, int], None]
"""Function of the bytes received so far and of all bytes."""


class PublicTrace(NamedTuple):
    """File in a public repository.

    Attributes:
        description: description for users.
        licence: licence of the data.
        repository: repository on GitHub.
        commit: commit that contains the file with this hash.
        path: path in the repository.
        size: size [bytes].
        sha256: hash of the file.
    """

    description: str
    licence: str
    repository: str
    commit: str
    path: str
    size: int
    sha256: str

    @property
    def url_path(self) -> str:
        """Path of the file below the URL of a server of raw files."""
        return f"{self.repository}/{self.commit}/{self.path}"


AZURE = ("Azure/AzurePublicDataset", "b469a113cedca53ddc3bdea71a143dc4b7d8700c")

PUBLIC_TRACES = {
    "azure-llm-2023-code": PublicTrace(
        "requests to a model that completes code, one hour",
        "CC BY 4.0",
        *AZURE,
        "data/AzureLLMInferenceTrace_code.csv",
        320_117,
        "54e9a6d2a4bd06ba1e060304b900abbc74cbea53de96506e60fe5bb4f2277fb6",
    ),
    "azure-llm-2023-conv": PublicTrace(
        "requests to a model that converses, one hour",
        "CC BY 4.0",
        *AZURE,
        "data/AzureLLMInferenceTrace_conv.csv",
        719_188,
        "2f1e5b666d4e3055fdbba98598ce2ec307767b9064e03e2fa46676dbcc7d0bf8",
    ),
    "mooncake-conversation": PublicTrace(
        "requests to a chat service with long prompts, one hour",
        "Apache-2.0",
        "kvcache-ai/Mooncake",
        "3b5a594133958449a1feaf1c9e0fc1b553e34a28",
        "FAST25-release/traces/conversation_trace.jsonl",
        3_029_533,
        "b8cbb061a85206d729d91cdc2981f43c9e0d99209dce588d3af5f7934408b9df",
    ),
    "alibaba-openb-2023-pods": PublicTrace(
        "pods of a GPU cluster, five months",
        "Apache-2.0",
        "hkust-adsl/kubernetes-scheduler-simulator",
        "8f3d6417353c5083c6d56617f255fadd8dc306bc",
        "data/csv/openb_pod_list_default.csv",
        575_468,
        "1ee7ed79c27a3b0861cda8ddba86a004c6aba904caafa329a76ae93ca63834a8",
    ),
    "philly-2017": PublicTrace(
        "training jobs of a GPU cluster, flattened, 15 weeks",
        "CC BY 4.0",
        "petuum/adaptdl",
        "c793c7089bd307462686339d29707925c461f9a9",
        "simulator/traces/philly.csv",
        3_444_496,
        "ebffb3dd1589bdf4e7bcd74496201c5ded1d557d498ee14f560463f37ec353da",
    ),
}
"""Public traces by name."""


def fetch(name: str, folder: Path | None = None, progress: Progress | None = None) -> Path:
    """Download a public trace, unless the folder has the file with the right hash already.

    Args:
        name: name of the trace.
        folder: target folder; None takes the user's cache, where `locate_trace` finds the file.
        progress: function that is called as bytes arrive.

    Returns:
        The complete file with the right hash; anything else is discarded.

    Raises:
        OdcGymError: unknown name, no network, an answer without the file, or a wrong hash.
    """
    import pooch
    import requests

    trace = _known(name)
    folder = _cache() if folder is None else folder
    url = f"{BASE_URL}/{trace.url_path}"
    pooch.get_logger().setLevel("WARNING")  # this module reports failures itself

    def download(url_path: str, file: str, _: object) -> None:
        with requests.get(url_path, stream=True, timeout=TIMEOUT_S) as answer, open(file, "wb") as part:
            answer.raise_for_status()
            done = 0
            for chunk in answer.iter_content(CHUNK_BYTES):
                done += part.write(chunk)
                if progress is not None:
                    progress(min(done, trace.size), trace.size)

    try:
        file = pooch.retrieve(url, f"sha256:{trace.sha256}", file_name(name), folder, downloader=download)
    except requests.HTTPError as error:
        answer = "an error" if error.response is None else str(error.response.status_code)
        raise OdcGymError(f"{url}: not downloaded: the server answers {answer}") from None
    except requests.RequestException as error:
        raise OdcGymError(f"{url}: not downloaded: {_failure_reason(error)}") from None
    except ValueError:
        raise OdcGymError(f"{url}: not kept: what came has another SHA-256 than {trace.sha256}") from None
    except OSError as error:
        raise OdcGymError(f"{folder}: not writable: {error.strerror or error}") from None
    return Path(file)


def locate_trace(source: Path) -> Path:
    """Return the file of a trace, given its path or the name of a fetched public trace.

    A path that exists, or that is not the name of a public trace, is returned unchanged.

    Raises:
        OdcGymError: the public trace of this name was not fetched yet.
    """
    if source.exists() or str(source) not in PUBLIC_TRACES:
        return source
    file = _cache() / file_name(str(source))
    if not file.is_file():
        raise OdcGymError(f"{source}: not fetched yet; `odc-gym trace fetch {source}` downloads it")
    return file


def file_name(name: str) -> str:
    """Return the file name of a public trace: its name, with the suffix of the original file."""
    return name + Path(_known(name).path).suffix


def _known(name: str) -> PublicTrace:
    """Return the public trace of a name; raise `OdcGymError` for an unknown name."""
    if name not in PUBLIC_TRACES:
        hint = did_you_mean(name, PUBLIC_TRACES)
        raise OdcGymError(f"trace = {name}: must be one of {', '.join(PUBLIC_TRACES)}{hint}")
    return PUBLIC_TRACES[name]


def _cache() -> Path:
    """Return the folder of traces in the user's cache."""
    import pooch

    return Path(pooch.os_cache("odc-gym")) / "traces"


def _failure_reason(error: Exception) -> str:
    """Return the reason of a network failure in plain words."""
    import requests

    if isinstance(error, requests.Timeout):
        return f"no answer within {TIMEOUT_S:g} s"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection broke before the file was whole"
    return "no connection to the server" if isinstance(error, requests.ConnectionError) else type(error).__name__
