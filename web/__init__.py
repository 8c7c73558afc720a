"""What browsers ask over HTTP: the wall page, the operators' console and their API. Imports `wall` only."""
