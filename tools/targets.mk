# What a user types besides `make`: the demonstration, installing, help.
PREFIX   ?= /usr/local
DESTDIR  ?=
INSTALL  := $(DESTDIR)$(PREFIX)

## demo: install what is missing, build, and run the iris classifier in a unikernel
demo:
	@tools/install-deps demo
	@echo "Building orris and its kernel ..."
	@$(MAKE) --no-print-directory -s -j"$$(nproc)" all
	@tools/demo $(B)/bin/orris

## deps: install what building, testing and the demonstration need
deps:
	@tools/install-deps build demo test lint

## install: put orris, its kernel and the recipes under PREFIX (/usr/local)
install: all
	install -d $(INSTALL)/bin $(INSTALL)/lib/orris $(INSTALL)/share/orris/packages
	install -m 755 $(B)/bin/orris $(INSTALL)/bin/orris
	install -m 644 $(B)/kernel/orris.elf $(INSTALL)/lib/orris/orris.elf
	install -d $(INSTALL)/share/man/man1
	{ $(B)/bin/orris help --man && cat docs/orris.1.end; } > $(INSTALL)/share/man/man1/orris.1
	$(B)/bin/orris help --verbs | while read -r verb; do \
	    $(B)/bin/orris help --man $$verb > \
	        $(INSTALL)/share/man/man1/orris-$$(echo $$verb | tr ' ' -).1 || exit 1; done
	install -d $(INSTALL)/share/bash-completion/completions
	install -d $(INSTALL)/share/zsh/vendor-completions $(INSTALL)/share/fish/vendor_completions.d
	$(B)/bin/orris completion bash > $(INSTALL)/share/bash-completion/completions/orris
	$(B)/bin/orris completion zsh > $(INSTALL)/share/zsh/vendor-completions/_orris
	$(B)/bin/orris completion fish > $(INSTALL)/share/fish/vendor_completions.d/orris.fish
	install -m 644 packages/*.json $(INSTALL)/share/orris/packages/

## deb: make a Debian package of it, build/orris_VERSION_amd64.deb
deb: all
	@tools/make-deb $(VERSION) $(B)

## uninstall: take that away again
uninstall:
	rm -f $(INSTALL)/bin/orris
	rm -f $(INSTALL)/share/man/man1/orris.1 $(INSTALL)/share/man/man1/orris-*.1
	rm -f $(INSTALL)/share/bash-completion/completions/orris
	rm -f $(INSTALL)/share/zsh/vendor-completions/_orris
	rm -f $(INSTALL)/share/fish/vendor_completions.d/orris.fish
	rm -rf $(INSTALL)/lib/orris $(INSTALL)/share/orris

## clean: remove everything that was built
clean:
	rm -rf $(B)

## help: this list
help:
	@echo "make: build the tool ($(B)/bin/orris) and the kernel ($(B)/kernel/orris.elf)"
	@sed -n 's/^## /make /p' $(MAKEFILE_LIST)

.PHONY: demo deps install deb uninstall clean help
