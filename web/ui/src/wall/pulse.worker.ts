/** Told an interval in milliseconds, answers once in each. */
const scope = globalThis as unknown as { onmessage: (event: MessageEvent<number>) => void };

scope.onmessage = ({ data }) => {
  setInterval(() => postMessage(null), data);
};
