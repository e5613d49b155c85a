unit-tests += manifest
src-unit-manifest := test/unit/manifest/run.c
