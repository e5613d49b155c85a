unit-tests += files_tree
src-unit-files_tree := test/unit/files/tree_test.c services/files/tree.c services/files/volume.c
inc-unit-files_tree := services/files
ldlibs-unit-files_tree := -lext2fs -lcom_err
