export interface LongPollOptions {
  /** What requests are made with; the global `fetch` by default. */
  fetch?: typeof fetch;
  /** How addresses end that are meant for long polling; `/connection/long_poll` by default. */
  path?: string;
  /**
   * For how many milliseconds a poll is repeated that brings no answer, before the client connects
   * anew: no longer than the server's `long_poll.poll_timeout`. 15,000 by default.
   */
  patience?: number;
  /**
   * After how many milliseconds without an answer a poll is taken for lost: longer than the
   * server's `long_poll.hold`. 30,000 by default.
   */
  timeout?: number;
}

/** A `fetch` for the client's options, with which `http_stream` also does long polling. */
export function longPoll(options?: LongPollOptions): typeof fetch;
