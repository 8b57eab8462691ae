"""Everything that touches a container: sandboxes, terminals, graders, and the pages that show a lab."""
