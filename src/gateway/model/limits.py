"""Every quota of the WebSocket API: name, unit, value and source (``parity`` is docs on AWS's behaviour, §8).

The values are AWS's. Nothing outside this file states one of these numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

KIB: Final = 1024

MAX_FRAME_BYTES: Final = 32 * KIB  # one client frame; parity 8
MAX_MESSAGE_BYTES: Final = 128 * KIB  # one message, either direction; parity 8
LIFTED_MESSAGE_BYTES: Final = 16 * KIB * KIB  # an operator may lift a frame and a message up to here
IDLE_TIMEOUT_MS: Final = 10 * 60 * 1000  # no data either way; parity 8
CONNECTION_DURATION_MS: Final = 2 * 60 * 60 * 1000  # parity 8
MIN_INTEGRATION_TIMEOUT_MS: Final = 50  # parity 5
MAX_INTEGRATION_TIMEOUT_MS: Final = 29_000  # parity 5; also the default
MAX_FUNCTION_MS: Final = 900_000  # Lambda's longest function timeout
MAX_LAMBDA_RESPONSE_BYTES: Final = 6 * KIB * KIB  # Lambda's synchronous payload quota
MAX_LAMBDA_REQUEST_BYTES: Final = 6 * KIB * KIB  # the same, for requests of the Invoke API
MAX_LAMBDA_EVENT_REQUEST_BYTES: Final = 1 * KIB * KIB  # InvocationType=Event
MAX_FUNCTION_OPEN_FILES: Final = 1024  # Lambda's quota of file descriptors
MAX_UPSTREAM_RESPONSE_BYTES: Final = 10 * KIB * KIB  # API Gateway's payload quota for web servers and services
MAX_AUTHORIZER_RESULT_BYTES: Final = 8 * KIB  # parity 6.2
MAX_CLOSE_REASON_BYTES: Final = 123  # RFC 6455 §5.5: control payload 125 less the two bytes of the code
MAX_HEADER_BYTES: Final = 10_240  # all header values of a handshake; parity 8
MAX_HEAD_BYTES: Final = 32 * KIB  # the whole HTTP head on the wire; nginx allows 4 x 8 KiB, h11 64 KiB
MAX_HEAD_COUNT: Final = 200  # header lines; Apache allows 100, Node 2,000
HEAD_TIMEOUT_MS: Final = 10_000  # from accept to a whole head; nginx allows 60 s, h2o 10 s
TLS_HANDSHAKE_TIMEOUT_MS: Final = 10_000  # from accept to the end of the TLS handshake; h2o and Go's client: 10 s
PROXY_HEADER_TIMEOUT_MS: Final = 5_000  # for a whole PROXY header; its specification wants at least 3 s
MAX_PROXY_V1_BYTES: Final = 107  # its line with the line end, as the specification bounds it (2.1)
MAX_PROXY_V2_BYTES: Final = 536  # header and additions; fits into the smallest TCP segment, as senders should (2.2)
MAX_FORWARDED_HOPS: Final = (
    32  # addresses of X-Forwarded-For that are looked at, from its end; ours, chains have 1 to 3
)
CLOSE_TIMEOUT_MS: Final = 5_000  # wait for the peer's close frame; websockets waits 10 s, browsers 2 s
MAX_OUT_BUFFER_BYTES: Final = 1 * KIB * KIB  # unsent bytes of one socket ("client side buffer is full"); parity 7.4
ACCOUNT_REQUESTS_PER_S: Final = 10_000.0  # messages of all APIs; parity 8
ACCOUNT_REQUEST_BURST: Final = 5_000  # tokens of the bucket that is filled at that rate; parity 8
NEW_CONNECTIONS_PER_S: Final = 500.0  # all APIs; parity 8
NEW_CONNECTION_BURST: Final = 500  # assumed: one second's worth
SIGNATURE_SKEW_MS: Final = 5 * 60 * 1000  # between a signature's time and ours; parity 7.4
PRESIGNED_SKEW_MS: Final = 15 * 60 * 1000  # how far ahead a presigned query's time may be; behind is its own lifetime
MAX_PRESIGNED_EXPIRES_S: Final = 604_800  # X-Amz-Expires; seven days
MAX_VALIDATION_STEPS: Final = 200_000  # keywords looked at for one message; ours, no model of 128 KB needs as many
MAX_PATTERN_CHARS: Final = 512  # of a regular expression; longer ones escape the library's deadline
MAX_PATTERN_TEXT_CHARS: Final = 512 * KIB  # of a text one is tried on, for the same reason
MAX_PATTERN_MS: Final = 25  # one pattern of a model on one text; ours, ordinary ones take microseconds
MAX_TEMPLATE_BYTES: Final = 300 * KIB  # one mapping template; parity 5.3
MAX_FOREACH_ITERATIONS: Final = 1_000  # one #foreach of a mapping template; parity 5.3
MAX_TEMPLATE_STEPS: Final = 200_000  # statements and values of one rendering; ours, so that loops in loops end
MAX_TEMPLATE_OUTPUT_CHARS: Final = 6 * KIB * KIB  # of one rendering; ours, no backend takes more
MAX_STAGE_VARIABLES: Final = 100  # of one stage; parity 8
MAX_STAGE_VARIABLE_NAME_CHARS: Final = 64  # parity 8
MAX_STAGE_VARIABLE_CHARS: Final = 512  # of a value; parity 8
MIN_API_KEY_CHARS: Final = 20  # of a key's value, as REST APIs have it
MAX_API_KEY_CHARS: Final = 128  # likewise
MAX_LOG_LINE_BYTES: Final = 1024  # one execution log line with the request ID in front; parity 10
MAX_MESSAGES_IN_FLIGHT: Final = 128  # of one connection; more wait in its TCP buffers. AWS states no such number
MAX_IN_LINE_BYTES: Final = 1 * KIB * KIB  # of memory, of one connection's messages that wait for their turn; ours
EARLY_POST_MS: Final = 5_000  # that a post waits for its connection to open; ours
MAX_EARLY_POSTS: Final = 16  # of one connection; ours
MAX_EARLY_BYTES: Final = 128 * KIB  # likewise, or one of the longest message
SLOW_CLIENT_MS: Final = 30_000  # that a client takes nothing of much that waits for it; nginx' send_timeout is 60 s
MESSAGES_PER_S: Final = 1_000.0  # of one connection of a fleet; ours, AWS bounds accounts and routes only
MAX_MESSAGE_PARTS: Final = 1_024  # frames of one message; ours, a whole one of 128 bytes each has as many
BYTES_PER_S: Final = 2.0 * KIB * KIB  # likewise; AWS IoT Core allows a connection 512 KiB and 100 messages a second
PINGS_PER_S: Final = 10.0  # likewise, pongs too; browsers send none, keep-alives one in 20 s
MAX_TARGETS: Final = 10_000  # connection IDs of one batch post; ours, an extension
MAX_BATCH_IDS_BYTES: Final = 256 * KIB  # their JSON: 24 bytes for each
MAX_ESCAPED: Final = 6  # bytes of JSON for one of a message, where every one is escaped
MAX_EXCEPTED: Final = 1_000  # connection IDs that a broadcast leaves out; in a head of 32 KiB there is room for them
MAX_PRINCIPAL_CHARS: Final = 1_024  # of a principal that a broadcast is for
MAX_TOLD: Final = 1_000  # connection IDs of one kind that one node names in its answer; counts go on
MAX_GROUPS: Final = 100  # of one connection; ours, an extension
MAX_GROUP_NAME_CHARS: Final = 128  # likewise
LIFTED_GROUPS: Final = 1_000  # an operator may lift both up to here: what is told of one connection still fits one hop
LIFTED_GROUP_NAME_CHARS: Final = 256
MAX_LISTED: Final = 1_000  # connections on one page of a list; ours
LISTED: Final = 100  # unless the caller says how many
MAX_LISTED_BYTES: Final = 128 * KIB  # of entries in one node's answer, and one entry more; more take another hop
MAX_SOURCE_STRING: Final = 1024  # longest user agent kept with a connection, characters


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits one connection lives under; AWS's unless an operator says otherwise. AWS has no rates of one
    connection, and keeps clients that do not read: None is that. No idle timeout, no duration: None is for ever.
    ``binary``: binary messages are taken and sent, which AWS does not do. ``ping_ms``: how often clients are pinged;
    None is never, as on AWS. ``ordered``: handlers get messages of one connection one at a time and in order.
    ``early_post_ms``: how long a post waits for a connection that is not open yet; None: it is gone, as on AWS."""

    max_frame_bytes: int = MAX_FRAME_BYTES
    max_message_bytes: int = MAX_MESSAGE_BYTES
    idle_timeout_ms: int | None = IDLE_TIMEOUT_MS
    connection_duration_ms: int | None = CONNECTION_DURATION_MS
    close_timeout_ms: int = CLOSE_TIMEOUT_MS
    max_out_buffer_bytes: int = MAX_OUT_BUFFER_BYTES
    head_timeout_ms: int = HEAD_TIMEOUT_MS
    tls_handshake_timeout_ms: int = TLS_HANDSHAKE_TIMEOUT_MS
    proxy_header_timeout_ms: int = PROXY_HEADER_TIMEOUT_MS
    max_messages_in_flight: int = MAX_MESSAGES_IN_FLIGHT
    max_in_line_bytes: int = MAX_IN_LINE_BYTES
    max_message_parts: int = MAX_MESSAGE_PARTS
    messages_per_s: float | None = None
    bytes_per_s: float | None = None
    pings_per_s: float | None = None
    slow_client_ms: int | None = None
    max_groups: int = MAX_GROUPS
    max_group_name_chars: int = MAX_GROUP_NAME_CHARS
    binary: bool = False
    ping_ms: int | None = None
    ordered: bool = False
    early_post_ms: int | None = None

    @property
    def are_metered(self) -> bool:
        """Whether any rate is bounded."""
        return bool(self.messages_per_s or self.bytes_per_s or self.pings_per_s)


AWS: Final = Limits()


@dataclass(frozen=True, slots=True)
class AccountLimits:
    """What all APIs of one account may do together; a None rate is no bound."""

    requests_per_s: float | None = ACCOUNT_REQUESTS_PER_S
    request_burst: int = ACCOUNT_REQUEST_BURST
    connections_per_s: float | None = NEW_CONNECTIONS_PER_S
    connection_burst: int = NEW_CONNECTION_BURST


AWS_ACCOUNT: Final = AccountLimits()
UNLIMITED: Final = AccountLimits(requests_per_s=None, connections_per_s=None)
