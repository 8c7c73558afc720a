"""stompjs as it comes from npm, and what a test has it do: read in an ack mode, send in a transaction."""

from pathlib import Path

STOMPJS = Path(__file__).parent.parent.parent / "web/ui/node_modules/@stomp/stompjs/bundles/stomp.umd.js"

# `converse` subscribes, publishes six messages in one transaction, acknowledges and refuses in turn where the mode
# asks for it, leaves after the sixth, and hands the bodies it got to `done`.
CONVERSE = """
function converse(client, mode, destination, done) {
  const got = [];
  client.onConnect = () => {
    client.watchForReceipt("on", () => {
      const transaction = client.begin();
      for (let seq = 1; seq <= 6; seq++)
        client.publish({
          destination: "/topic/wall.main",
          body: `é: ${seq}`,
          headers: { epoch: "aaaa", seq: String(seq), kind: "published", transaction: transaction.id },
        });
      transaction.commit();
    });
    client.subscribe(destination, (message) => {
      got.push(message.body);
      if (mode !== "auto") got.length % 2 ? message.ack() : message.nack();
      if (got.length === 6) client.deactivate().then(() => done(got));
    }, { ack: mode, receipt: "on" });
  };
  client.activate();
}
"""
