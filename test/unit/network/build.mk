unit-tests += net_offload net_fdb net_port
src-unit-net_offload := test/unit/network/offload_test.c services/network/offload.c
inc-unit-net_offload := services/network
src-unit-net_fdb := test/unit/network/fdb_test.c services/network/fdb.c
inc-unit-net_fdb := services/network
src-unit-net_port := test/unit/network/port_test.c services/network/port.c services/network/offload.c libs/ring/ring.c
inc-unit-net_port := services/network
