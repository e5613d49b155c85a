/*
 * run.c - runs the manifest compiler's tests, which are in Python as it is, from the top of the tree
 */
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	execl("/usr/bin/python3", "python3", "-B", "-m", "pytest", "-q", "-p",
		"no:cacheprovider", "--noconftest", "test/unit/manifest", (char *)NULL);
	perror("/usr/bin/python3");
	return 1;
}
