domains += console
src-console := services/console/main.c services/console/input.c services/console/textlog.c services/console/bootlog.c
use-console := svc ring caps sys
