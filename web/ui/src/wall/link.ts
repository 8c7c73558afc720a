/**
 * One STOMP subscription over one WebSocket; the only module that knows stompjs.
 *
 * A link is used once. It ends with exactly one `onDown`, whatever went wrong: refused, timed out, heart-beats lost,
 * an ERROR frame, closed by the server. Opening the next one, and when, is the feed's decision, because stompjs has
 * backoff but no jitter.
 *
 * Plain ActiveMQ (reference: its ws transport) reads one frame per WebSocket message and exactly one LF as a
 * heart-beat, and wants a subprotocol offered: stompjs does all three unless told otherwise, so nothing is split.
 */

import { Client } from "@stomp/stompjs";
import { startPulse } from "./pulse.js";

export interface Message {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface LinkHandlers {
  /** The server confirmed the subscription; its RECEIPT's headers (`recovered` on a relay). */
  onSubscribed(headers: Readonly<Record<string, string>>): void;
  onMessage(message: Message): void;
  /** `code` is the WebSocket's close code, where the server closed it. */
  onDown(reason: string, code?: number): void;
}

export interface Link {
  close(): void;
}

export type OpenLink = (
  url: string,
  destination: string,
  cursor: string | null,
  handlers: LinkHandlers,
  /** What lets a viewer of a secret wall in. */
  token?: string | null,
) => Link;

// Agreed with both servers; activemq.xml and the relay answer 10 s both ways.
const HEART_BEAT_MS = 10_000;
// Opening the socket and CONNECTED together; a captive portal swallows packets for longer than anyone waits.
const CONNECT_MS = 10_000;
const RECEIPT_MS = 10_000;

const SUBSCRIPTION = "wall";
const RECEIPT = "subscribed";

export const openStompLink: OpenLink = (url, destination, cursor, handlers, token = null) => {
  let ended = false;
  const address = new URL(url, location.origin.replace(/^http/, "ws"));
  // Also for what stompjs has no limit for: a constructor that throws, a RECEIPT that never comes.
  const deadline = setTimeout(() => end("no confirmed subscription in time"), CONNECT_MS + RECEIPT_MS);
  let stopPulse = () => {};

  const client = new Client({
    webSocketFactory: () => new WebSocket(address, client.stompVersions.protocolVersions()),
    // STOMP 1.2 wants it; no login, viewers are anonymous.
    connectHeaders: { host: address.hostname },
    heartbeatIncoming: HEART_BEAT_MS,
    heartbeatOutgoing: HEART_BEAT_MS,
    connectionTimeout: CONNECT_MS,
    // Dead Wi-Fi otherwise hangs in the closing handshake.
    discardWebsocketOnCommFailure: true,
    reconnectDelay: 0,
    onConnect: () => {
      client.watchForReceipt(RECEIPT, (frame) => {
        clearTimeout(deadline);
        if (!ended) handlers.onSubscribed(frame.headers);
      });
      const resume = cursor === null ? {} : { cursor };
      client.subscribe(destination, ({ body, headers }) => !ended && handlers.onMessage({ body, headers }), {
        id: SUBSCRIPTION,
        receipt: RECEIPT,
        ack: "auto",
        ...resume,
        ...(token === null ? {} : { token }),
      });
      // stompjs's own worker comes from a blob: address, which our policy forbids; and timers of a hidden page are
      // slowed down to one a minute, which servers take for a dead viewer.
      stopPulse = startPulse(HEART_BEAT_MS, () => {
        if (client.webSocket?.readyState === WebSocket.OPEN) client.webSocket.send("\n");
      });
    },
    // ActiveMQ keeps the connection after some errors; for us a refused subscription is the end of it.
    onStompError: (frame) => end(frame.headers["message"] ?? "the broker refused"),
    onWebSocketClose: (event: CloseEvent) => end(event.reason || `closed (${event.code})`, event.code),
  });
  client.activate();

  function end(reason: string, code?: number): void {
    if (ended) return;
    close();
    handlers.onDown(reason, code);
  }

  function close(): void {
    ended = true;
    clearTimeout(deadline);
    stopPulse();
    void client.deactivate({ force: true });
  }

  return { close };
};
