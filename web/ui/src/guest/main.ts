import "../tokens.css";
import "./guest.css";
import { AddPage } from "./add.js";
import { GuestPage } from "./page.js";
import { ReceiptPage } from "./receipt.js";

customElements.define("frieze-add", AddPage);
customElements.define("frieze-receipt", ReceiptPage);
customElements.define("frieze-guest", GuestPage);
