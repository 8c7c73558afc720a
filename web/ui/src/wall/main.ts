import "../tokens.css";
import "./wall.css";
import { WallPage } from "./page.js";

customElements.define("frieze-wall", WallPage);
