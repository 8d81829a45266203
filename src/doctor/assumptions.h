// What a connection is assumed to cost. The doctor's arithmetic rests on these numbers alone.
#pragma once

#include <cstdint>

#include "doctor/doctor.h"

namespace millrace::doctor {

// Of the process: a connected client with one recoverable subscription. The bound that the
// project's bench holds the server to (resident memory by connections).
inline constexpr uint64_t kUserBytes = 700;

// What TLS in process adds to it while nothing is under way. The bound that the end-to-end test of
// idle memory holds the server to; 14,800 were measured, nearly all of them OpenSSL's (3.0).
inline constexpr uint64_t kTlsBytes = 16'000;

// Of the kernel: an established socket that has nothing to send or to read, watched by epoll. On
// Linux 6.18 the slabs of 9,000 of them (/proc/slabinfo) came to 3,810 bytes each: TCP 2,368,
// sock_inode_cache 832, filp 192, dentry 192, eventpoll_epi 128, the rest less. A third more is for
// slabs that are not full, the table of open files, and other kernels.
inline constexpr uint64_t kKernelBytes = 5 * 1024;

// Bytes on their way, in pages that count towards tcp_mem. An idle socket has none; a fan-out to
// everybody takes longer than a round trip, so that only some have any at the same time.
inline constexpr uint64_t kConnectionsPerBufferPage = 4;
// Before Linux 6.0 a socket that was once used keeps a page of the account while it is idle.
inline constexpr KernelVersion kIdleSocketsAreFreeFrom{.major = 6, .minor = 0};

// Kept for everything else on the machine: one part in so many of its memory.
inline constexpr uint64_t kMemoryKeptPart = 10;

// CPU time for one ping, its pong, and the kernel's part in both, such that half of the CPU is left
// for messages: a million connections for each CPU where they are pinged every 25 s. Measured: 17
// (bench/README.md); the rest is for machines that are slower.
inline constexpr uint64_t kPingMicroseconds = 25;

// The goal where neither a target nor memory is known.
inline constexpr uint64_t kGoalWithoutMemory = 1'000'000;

// More than any machine holds, and little enough to count with.
inline constexpr uint64_t kGoalMax = 1'000'000'000;

// What a connection takes of the process, with or without TLS.
constexpr uint64_t process_bytes(bool tls) {
  return kUserBytes + (tls ? kTlsBytes : 0);
}

// What it takes of the machine's memory, with what is on its way.
constexpr uint64_t connection_bytes(uint64_t page_bytes, bool tls) {
  return process_bytes(tls) + kKernelBytes + page_bytes / kConnectionsPerBufferPage;
}

}  // namespace millrace::doctor
