// The promises of a destination, and what they are shown with, are part of the product (`pouch plugin test`): whoever imports the
// support of the tests has them too.
@_exported import PouchConformance
