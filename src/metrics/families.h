// Every metric of the server, in one table: what dashboards may rely on. docs/operations.md
// describes them for people.
//
// `websocket_*` are names that users' dashboards had before us; all of our own are `millrace_*`.
// One enumerator is one time series: its family, its labels, and (the same in every row of a
// family) its help. Of those by transport, it is one series for each, with the label `transport`.
#pragma once

// X(enumerator, family, labels, help)
#define MILLRACE_COUNTERS(X)                                                                     \
  X(kControlInbound, "millrace_control_messages_total", "direction=\"inbound\"",                 \
    "Pings, pongs and close frames by direction, of the protocol and of WebSocket")              \
  X(kControlOutbound, "millrace_control_messages_total", "direction=\"outbound\"",               \
    "Pings, pongs and close frames by direction, of the protocol and of WebSocket")              \
  X(kWrites, "millrace_writes_total", "", "System calls that wrote to client sockets")           \
  X(kTurnsHeldBack, "millrace_turns_held_back_total", "",                                        \
    "Turns whose output waited for more, because the core was behind")                           \
  X(kShortWrites, "millrace_short_writes_total", "", "Writes that the kernel took only in part") \
  X(kAccepts, "millrace_accepts_total", "outcome=\"accepted\"",                                  \
    "Connections taken from a listener by outcome")                                              \
  X(kAcceptErrors, "millrace_accepts_total", "outcome=\"error\"",                                \
    "Connections taken from a listener by outcome")                                              \
  X(kAcceptRefused, "millrace_accepts_total", "outcome=\"refused\"",                             \
    "Connections taken from a listener by outcome")                                              \
  X(kProxyAccepted, "millrace_proxy_headers_total", "outcome=\"accepted\"",                      \
    "Connections that were to begin with a PROXY header, by outcome")                            \
  X(kProxyLocal, "millrace_proxy_headers_total", "outcome=\"local\"",                            \
    "Connections that were to begin with a PROXY header, by outcome")                            \
  X(kProxyMalformed, "millrace_proxy_headers_total", "outcome=\"malformed\"",                    \
    "Connections that were to begin with a PROXY header, by outcome")                            \
  X(kProxyTimeout, "millrace_proxy_headers_total", "outcome=\"timeout\"",                        \
    "Connections that were to begin with a PROXY header, by outcome")                            \
  X(kProxyEnded, "millrace_proxy_headers_total", "outcome=\"ended\"",                            \
    "Connections that were to begin with a PROXY header, by outcome")                            \
  X(kProxyUntrusted, "millrace_proxy_headers_total", "outcome=\"untrusted\"",                    \
    "Connections that were to begin with a PROXY header, by outcome")                            \
  X(kTlsAccepted, "millrace_tls_handshakes_total", "outcome=\"accepted\"",                       \
    "TLS handshakes of clients by outcome")                                                      \
  X(kTlsResumed, "millrace_tls_handshakes_total", "outcome=\"resumed\"",                         \
    "TLS handshakes of clients by outcome")                                                      \
  X(kTlsFailed, "millrace_tls_handshakes_total", "outcome=\"failed\"",                           \
    "TLS handshakes of clients by outcome")                                                      \
  X(kTlsAbandoned, "millrace_tls_handshakes_total", "outcome=\"abandoned\"",                     \
    "TLS handshakes of clients by outcome")                                                      \
  X(kTlsPlainHttp, "millrace_tls_handshakes_total", "outcome=\"plain_http\"",                    \
    "TLS handshakes of clients by outcome")                                                      \
  X(kTlsVersion12, "millrace_tls_versions_total", "version=\"1.2\"",                             \
    "TLS connections of clients by version")                                                     \
  X(kTlsVersion13, "millrace_tls_versions_total", "version=\"1.3\"",                             \
    "TLS connections of clients by version")                                                     \
  X(kHttpRequests, "millrace_http_requests_total", "", "HTTP requests that were parsed")         \
  X(kHttpResponses2xx, "millrace_http_responses_total", "class=\"2xx\"",                         \
    "HTTP responses by class")                                                                   \
  X(kHttpResponses3xx, "millrace_http_responses_total", "class=\"3xx\"",                         \
    "HTTP responses by class")                                                                   \
  X(kHttpResponses4xx, "millrace_http_responses_total", "class=\"4xx\"",                         \
    "HTTP responses by class")                                                                   \
  X(kHttpResponses5xx, "millrace_http_responses_total", "class=\"5xx\"",                         \
    "HTTP responses by class")                                                                   \
  X(kHttpMalformed, "millrace_http_rejected_total", "reason=\"malformed\"",                      \
    "HTTP connections closed by reason")                                                         \
  X(kHttpTooLarge, "millrace_http_rejected_total", "reason=\"too_large\"",                       \
    "HTTP connections closed by reason")                                                         \
  X(kHttpTimeout, "millrace_http_rejected_total", "reason=\"timeout\"",                          \
    "HTTP connections closed by reason")                                                         \
  X(kApiPublish, "millrace_api_calls_total", "method=\"publish\"",                               \
    "Calls of the server API by method, those in batches included")                              \
  X(kApiBroadcast, "millrace_api_calls_total", "method=\"broadcast\"",                           \
    "Calls of the server API by method, those in batches included")                              \
  X(kApiSubscribe, "millrace_api_calls_total", "method=\"subscribe\"",                           \
    "Calls of the server API by method, those in batches included")                              \
  X(kApiUnsubscribe, "millrace_api_calls_total", "method=\"unsubscribe\"",                       \
    "Calls of the server API by method, those in batches included")                              \
  X(kApiDisconnect, "millrace_api_calls_total", "method=\"disconnect\"",                         \
    "Calls of the server API by method, those in batches included")                              \
  X(kApiRefresh, "millrace_api_calls_total", "method=\"refresh\"",                               \
    "Calls of the server API by method, those in batches included")                              \
  X(kApiPresence, "millrace_api_calls_total", "method=\"presence\"",                             \
    "Calls of the server API by method, those in batches included")                              \
  X(kApiPresenceStats, "millrace_api_calls_total", "method=\"presence_stats\"",                  \
    "Calls of the server API by method, those in batches included")                              \
  X(kApiHistory, "millrace_api_calls_total", "method=\"history\"",                               \
    "Calls of the server API by method, those in batches included")                              \
  X(kApiHistoryRemove, "millrace_api_calls_total", "method=\"history_remove\"",                  \
    "Calls of the server API by method, those in batches included")                              \
  X(kApiChannels, "millrace_api_calls_total", "method=\"channels\"",                             \
    "Calls of the server API by method, those in batches included")                              \
  X(kApiInfo, "millrace_api_calls_total", "method=\"info\"",                                     \
    "Calls of the server API by method, those in batches included")                              \
  X(kApiBlockUser, "millrace_api_calls_total", "method=\"block_user\"",                          \
    "Calls of the server API by method, those in batches included")                              \
  X(kApiUnblockUser, "millrace_api_calls_total", "method=\"unblock_user\"",                      \
    "Calls of the server API by method, those in batches included")                              \
  X(kApiRevokeToken, "millrace_api_calls_total", "method=\"revoke_token\"",                      \
    "Calls of the server API by method, those in batches included")                              \
  X(kApiInvalidateUserTokens, "millrace_api_calls_total", "method=\"invalidate_user_tokens\"",   \
    "Calls of the server API by method, those in batches included")                              \
  X(kApiOther, "millrace_api_calls_total", "method=\"other\"",                                   \
    "Calls of the server API by method, those in batches included")                              \
  X(kPublishes, "millrace_publishes_total", "",                                                  \
    "Publications accepted from clients and the server API")                                     \
  X(kDeliveries, "millrace_deliveries_total", "",                                                \
    "Publications put into an outbox, one for each subscriber")                                  \
  X(kCompressedBroadcasts, "millrace_compressed_frames_total", "of=\"broadcast\"",               \
    "Frames compressed: of broadcasts, once for all subscribers of a core and format")           \
  X(kCompressedReplies, "millrace_compressed_frames_total", "of=\"replies\"",                    \
    "Frames compressed: of broadcasts, once for all subscribers of a core and format")           \
  X(kCompressionBefore, "millrace_compression_bytes_total", "side=\"before\"",                   \
    "Bytes of compressed frames before and after")                                               \
  X(kCompressionAfter, "millrace_compression_bytes_total", "side=\"after\"",                     \
    "Bytes of compressed frames before and after")                                               \
  X(kDroppedNotJson, "millrace_dropped_total", "reason=\"not_json\"",                            \
    "Publications not delivered by reason")                                                      \
  X(kDroppedSlow, "millrace_dropped_total", "reason=\"slow\"",                                   \
    "Publications not delivered by reason")                                                      \
  X(kDroppedClosing, "millrace_dropped_total", "reason=\"closing\"",                             \
    "Publications not delivered by reason")                                                      \
  X(kDroppedExcluded, "millrace_dropped_total", "reason=\"excluded\"",                           \
    "Publications not delivered by reason")                                                      \
  X(kDroppedFiltered, "millrace_dropped_total", "reason=\"filtered\"",                           \
    "Publications not delivered by reason")                                                      \
  X(kSuppressed, "millrace_publishes_suppressed_total", "",                                      \
    "Publishes that were repeated or outdated: answered, and not delivered again")               \
  X(kRecovered, "millrace_recoveries_total", "outcome=\"recovered\"",                            \
    "Subscribers that came back and asked for what they missed, by outcome")                     \
  X(kUnrecoverable, "millrace_recoveries_total", "outcome=\"unrecoverable\"",                    \
    "Subscribers that came back and asked for what they missed, by outcome")                     \
  X(kHistoryReads, "millrace_history_reads_total", "source=\"store\"",                           \
    "Reads of channels' logs, and those that shared what another had read in the same turn")     \
  X(kHistoryReadsShared, "millrace_history_reads_total", "source=\"shared\"",                    \
    "Reads of channels' logs, and those that shared what another had read in the same turn")     \
  X(kBellsRepeated, "millrace_bells_repeated_total", "",                                         \
    "Publications that the broker brought again and that were not delivered again")              \
  X(kGapsFound, "millrace_gaps_found_total", "",                                                 \
    "Gaps in what the broker brought, which were read from the log")                             \
  X(kStreamsInterrupted, "millrace_streams_interrupted_total", "",                               \
    "Channels whose subscribers had to subscribe again because their position was lost")         \
  X(kDeltaFullBytes, "millrace_delta_bytes_total", "kind=\"full\"",                              \
    "Bytes of the publications that were made into deltas, and of these deltas")                 \
  X(kDeltaPatchBytes, "millrace_delta_bytes_total", "kind=\"patch\"",                            \
    "Bytes of the publications that were made into deltas, and of these deltas")                 \
  X(kTokensAccepted, "millrace_tokens_total", "outcome=\"accepted\"", "Tokens by outcome")       \
  X(kTokensRefused, "millrace_tokens_total", "outcome=\"refused\"", "Tokens by outcome")         \
  X(kBackendUnavailable, "millrace_proxy_errors_total",                                          \
    "protocol=\"http\",type=\"connect\",name=\"default\",reason=\"unavailable\"",                \
    "Requests to the application's backend that failed, by reason")                              \
  X(kBackendStatus, "millrace_proxy_errors_total",                                               \
    "protocol=\"http\",type=\"connect\",name=\"default\",reason=\"status\"",                     \
    "Requests to the application's backend that failed, by reason")                              \
  X(kBackendMalformed, "millrace_proxy_errors_total",                                            \
    "protocol=\"http\",type=\"connect\",name=\"default\",reason=\"malformed\"",                  \
    "Requests to the application's backend that failed, by reason")                              \
  X(kBackendTooLarge, "millrace_proxy_errors_total",                                             \
    "protocol=\"http\",type=\"connect\",name=\"default\",reason=\"too_large\"",                  \
    "Requests to the application's backend that failed, by reason")                              \
  X(kBackendLimit, "millrace_proxy_errors_total",                                                \
    "protocol=\"http\",type=\"connect\",name=\"default\",reason=\"limit\"",                      \
    "Requests to the application's backend that failed, by reason")                              \
  X(kBrokerInterrupted, "millrace_broker_interruptions_total", "",                               \
    "Times the broker may have lost messages")                                                   \
  X(kNodeMessagesInbound, "millrace_node_messages_total", "direction=\"inbound\"",               \
    "Messages from and to other nodes about their sessions, by direction")                       \
  X(kNodeMessagesOutbound, "millrace_node_messages_total", "direction=\"outbound\"",             \
    "Messages from and to other nodes about their sessions, by direction")                       \
  X(kNodeMessagesNotFound, "millrace_node_messages_failed_total", "reason=\"not_found\"",        \
    "Messages to other nodes that the broker did not take, by reason")                           \
  X(kNodeMessagesTooLarge, "millrace_node_messages_failed_total", "reason=\"too_large\"",        \
    "Messages to other nodes that the broker did not take, by reason")                           \
  X(kNodeMessagesUnavailable, "millrace_node_messages_failed_total", "reason=\"unavailable\"",   \
    "Messages to other nodes that the broker did not take, by reason")                           \
  X(kNodeMessagesMalformed, "millrace_node_messages_dropped_total", "reason=\"malformed\"",      \
    "Messages from other nodes that were of no use, by reason")                                  \
  X(kNodeMessagesUnknown, "millrace_node_messages_dropped_total", "reason=\"unknown\"",          \
    "Messages from other nodes that were of no use, by reason")                                  \
  X(kNodeMessagesLate, "millrace_node_messages_dropped_total", "reason=\"late\"",                \
    "Messages from other nodes that were of no use, by reason")                                  \
  X(kNodeRequestsTimeout, "millrace_node_requests_failed_total", "reason=\"timeout\"",           \
    "Requests for sessions of other nodes that got no answer from there, by reason")             \
  X(kNodeRequestsLimit, "millrace_node_requests_failed_total", "reason=\"limit\"",               \
    "Requests for sessions of other nodes that got no answer from there, by reason")             \
  X(kTurns, "millrace_loop_turns_total", "", "Turns of the event loops")                         \
  X(kTasks, "millrace_loop_tasks_total", "", "Tasks that were posted to loops and run")          \
  X(kWakeups, "millrace_loop_wakeups_total", "", "Times a loop was woken by another thread")     \
  X(kPingsSent, "millrace_pings_total", "",                                                      \
    "Pings sent to clients, of the protocol or of WebSocket")                                    \
  X(kEchoMessages, "millrace_echo_messages_total", "", "Messages answered by the raw echo endpoint")

// By the transport of the client. Bytes have one series more: "http", for plain requests.
#define MILLRACE_TRANSPORT_COUNTERS(X)                                                   \
  X(kBytesInbound, "millrace_bytes_total", "direction=\"inbound\"",                      \
    "Bytes read from and written to client sockets, by transport; http: plain requests") \
  X(kBytesOutbound, "millrace_bytes_total", "direction=\"outbound\"",                    \
    "Bytes read from and written to client sockets, by transport; http: plain requests") \
  X(kMessagesInbound, "millrace_messages_total", "direction=\"inbound\"",                \
    "Application messages by direction and transport")                                   \
  X(kMessagesOutbound, "millrace_messages_total", "direction=\"outbound\"",              \
    "Application messages by direction and transport")                                   \
  X(kKeepAlives, "millrace_keep_alives_total", "",                                       \
    "Fillers written to streams on which nothing was said, by transport")                \
  X(kHandshakeAccepted, "millrace_handshakes_total", "outcome=\"accepted\"",             \
    "Requests to open a client connection by outcome and transport")                     \
  X(kHandshakeRejected, "millrace_handshakes_total", "outcome=\"rejected\"",             \
    "Requests to open a client connection by outcome and transport")                     \
  X(kHandshakeOrigin, "millrace_handshakes_total", "outcome=\"origin\"",                 \
    "Requests to open a client connection by outcome and transport")                     \
  X(kHandshakeLimit, "millrace_handshakes_total", "outcome=\"limit\"",                   \
    "Requests to open a client connection by outcome and transport")

#define MILLRACE_TRANSPORT_GAUGES(X)                                                            \
  X(kConnections, "millrace_transport_connections", "", "Open client connections by transport") \
  X(kOutboxBytes, "millrace_transport_outbox_bytes", "",                                        \
    "Bytes that wait for slow clients by transport")                                            \
  X(kKeptBytes, "millrace_transport_kept_bytes", "",                                            \
    "Bytes kept besides: responses to polls until they are acknowledged, and commands that wait")

// Sums of those above, over all transports or over WebSockets of both kinds: nobody counts them.
// X(enumerator, family, labels, help, transports)
#define MILLRACE_COUNTER_SUMS(X)                                             \
  X(kMessagesInbound, "websocket_messages_total", "direction=\"inbound\"",   \
    "Application messages of WebSockets by direction", kWebSockets)          \
  X(kMessagesOutbound, "websocket_messages_total", "direction=\"outbound\"", \
    "Application messages of WebSockets by direction", kWebSockets)

#define MILLRACE_GAUGE_SUMS(X)                                                              \
  X(kConnections, "websocket_connections_total", "",                                        \
    "Open WebSocket connections (a gauge; the name is its users')", kWebSockets)            \
  X(kConnections, "millrace_connections", "", "Open client connections of every transport", \
    kAllTransports)                                                                         \
  X(kOutboxBytes, "millrace_outbox_bytes", "", "Bytes that wait for slow clients", kAllTransports)

#define MILLRACE_GAUGES(X)                                                                  \
  X(kTlsConnections, "millrace_tls_connections", "", "Open connections inside TLS")         \
  X(kBackendRequests, "millrace_proxy_inflight_requests",                                   \
    "protocol=\"http\",type=\"connect\",name=\"default\"",                                  \
    "Requests to the application's backend that are under way")                             \
  X(kSessions, "millrace_sessions", "", "Clients that are connected and authenticated")     \
  X(kSubscriptions, "millrace_subscriptions", "", "Subscriptions of this node's clients")   \
  X(kLocalChannels, "millrace_local_channels", "",                                          \
    "Channels with a subscriber, counted on each core that has one")                        \
  X(kChannels, "millrace_channels", "", "Channels that their home core keeps a record of")  \
  X(kUsers, "millrace_users", "", "Users with a connection, anonymous clients not counted") \
  X(kPresenceMembers, "millrace_presence_members", "",                                      \
    "Members of channels that keep presence or tell of joins and leaves")                   \
  X(kLogs, "millrace_logs", "", "Channel logs in the memory store")                         \
  X(kHttpConnections, "millrace_http_connections", "",                                      \
    "Open HTTP connections, upgraded ones not counted")                                     \
  X(kStreams, "millrace_streams", "", "Open sockets to clients")

// X(enumerator, family, labels, help, buckets...)
#define MILLRACE_HISTOGRAMS(X)                                                                     \
  X(kMessageLatencyMs, "websocket_message_latency_ms", "",                                         \
    "Milliseconds from a publication received to its bytes handed to the kernel, for each "        \
    "delivery",                                                                                    \
    1, 5, 10, 25, 50, 100, 250, 500, 1000)                                                         \
  X(kLoopTurnSeconds, "millrace_loop_turn_seconds", "", "Seconds that a turn worked", 0.0001,      \
    0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5)                                             \
  X(kLoopLagSeconds, "millrace_loop_lag_seconds", "", "Seconds by which timers fired late", 0.001, \
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1)                                                   \
  X(kBackendSeconds, "millrace_proxy_duration_seconds",                                            \
    "protocol=\"http\",type=\"connect\",name=\"default\"",                                         \
    "Seconds that a request to the application's backend took", 0.005, 0.01, 0.025, 0.05, 0.1,     \
    0.25, 0.5, 1, 2.5, 5, 10)                                                                      \
  X(kFlushBytes, "millrace_flush_bytes", "", "Bytes written by one write", 64, 256, 1024, 4096,    \
    16384, 65536, 262144, 1048576)                                                                 \
  X(kFlushMessages, "millrace_flush_messages", "", "Messages that left in one write", 0, 1, 2, 4,  \
    8, 16, 32, 64, 128, 256)
