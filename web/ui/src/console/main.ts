import "../tokens.css";
import "./console.css";
import { ConsolePage } from "./page.js";

customElements.define("frieze-console", ConsolePage);
