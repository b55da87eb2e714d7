# Sourced by bin/setup: Ruby, its gems and a C toolchain from Debian stable, as packages. Only trixie has Ruby 3.3, so
# bookworm gets it from a second source, made from the machine's own and pinned low enough to be used for nothing else.

# What `rake lint` runs that is in no bundle, and what specs of the manual and of completions try those with.
LINTERS=(rubocop shellcheck mandoc zsh fish)
DEBIAN_PACKAGES=(
  ruby ruby-dev bundler rake build-essential clang libclang-dev ruby-rb-sys
  ruby-rack ruby-rackup ruby-rspec ruby-simplecov ruby-capybara yard ruby-redcarpet
  ruby-rails ruby-sinatra ruby-sqlite3 ruby-pg ruby-websocket-driver puma wrk
  "${LINTERS[@]}"
)
TRIXIE_SOURCE=/etc/apt/sources.list.d/kino-trixie.sources
TRIXIE_PIN=/etc/apt/preferences.d/kino-trixie

is_debian() { [[ -r /etc/os-release ]] && grep -qx 'ID=debian' /etc/os-release; }

# A Ruby that no package owns was put there by someone who wants it; bin/setup does not hide it behind Debian's.
has_foreign_ruby() {
  command -v ruby >/dev/null && ! dpkg -S "$(realpath "$(command -v ruby)")" >/dev/null 2>&1
}

# Not when all of it is installed already: what is missing then is nothing these packages hold.
debian_can_help() {
  is_debian && ((EUID == 0)) && ! has_foreign_ruby && ! dpkg -s "${DEBIAN_PACKAGES[@]}" >/dev/null 2>&1
}

install_debian_packages() {
  { is_debian && ((EUID == 0)); } || die "packages are installed on Debian, as root: sudo bin/setup --packages"
  find_debian_release
  announce_changes
  confirm

  [[ $add_trixie == no ]] || timed "trixie" "adding the source and reading its package list" add_trixie_source
  timed "packages" "installing (a minute or two)" apt_get install --no-install-recommends "${target[@]}" \
    "${DEBIAN_PACKAGES[@]}"
}

# For a machine that was set up before. One that can't have them, or whose user would have to be asked, does without.
install_linters() {
  [[ $ask == no ]] && debian_can_help || return 0
  # A process of its own: nothing in it may end this one. Package lists may be old, and name what is no longer there.
  (
    find_debian_release
    [[ $add_trixie == no ]] || exit 0
    install=(apt_get install --no-install-recommends "${target[@]}" "${LINTERS[@]}")
    attempt "linters" "installing" "${install[@]}" || {
      attempt "apt" "reading the package lists (apt-get update)" apt_get update
      attempt "linters" "installing" "${install[@]}"
    }
  ) || true
}

# Sets what the steps below go by: add_trixie (is the second source to be written?) and target (apt's option for it).
find_debian_release() {
  # A machine made from an image often has no package lists yet, and without them apt can't tell whose a source is.
  [[ -n $(debian_entry bookworm)$(debian_entry trixie) ]] ||
    timed "apt" "reading the package lists (apt-get update)" apt_get update || true

  add_trixie=no target=()
  if [[ -n $(debian_entry bookworm) ]]; then
    target=(-t trixie)
    [[ -n $(debian_entry trixie) ]] || add_trixie=yes
  elif [[ -z $(debian_entry trixie) ]]; then
    die "apt has no source of Debian bookworm or trixie to install Ruby 3.3 from." \
      "Bring ruby 3.3 or newer with its headers, clang and libclang by other means, and run bin/setup again."
  fi
}

# Where apt's configuration names Debian's own archive of that release: FILE:N, the Nth line or stanza of the file.
debian_entry() {
  # shellcheck disable=SC2016 # apt fills these in
  apt-get indextargets --format '$(CODENAME) $(SOURCESENTRY)' \
    'Created-By: Packages' 'Origin: Debian' 'Component: main' 'Target-Of: deb' |
    awk -v codename="$1" '$1 == codename && !found++ { print $2 }'
}

announce_changes() {
  echo
  echo "This will change the system:"
  if [[ $add_trixie == yes ]]; then
    echo "  - write $TRIXIE_SOURCE (Debian trixie, from the mirror in $(debian_entry bookworm | sed 's/:[0-9]*$//'))"
    echo "    and $TRIXIE_PIN (priority 100: apt takes nothing from it unasked)"
  fi
  echo "  - install from Debian ${target[*]:+trixie }with all they depend on:"
  echo "${DEBIAN_PACKAGES[@]}" | fold -s -w 100 | sed 's/^/      /'
  [[ ${#target[@]} == 0 ]] || echo "    (libc6 and a few shared libraries move up to trixie's version with them)"
  echo
}

confirm() {
  [[ $ask == yes ]] || return 0
  local answer
  read -rp "Go on? [y/N] " answer
  [[ $answer == [yY]* ]] || die "nothing was changed"
}

add_trixie_source() {
  local entry
  entry=$(debian_entry bookworm)
  trixie_stanza "${entry%:*}" "${entry##*:}" >"$TRIXIE_SOURCE"
  printf 'Package: *\nPin: release n=trixie\nPin-Priority: 100\n' >"$TRIXIE_PIN"
  apt_get update
}

# trixie_stanza FILE N: the same archive, keys and options as that bookworm entry, for trixie.
trixie_stanza() {
  case $1 in
    *.sources) trixie_from_stanza "$@" ;;
    *) trixie_from_line "$@" ;;
  esac
}

trixie_from_stanza() {
  awk -v wanted="$2" '
    BEGIN { RS = ""; FS = "\n" }
    !/(^|\n)[Uu][Rr][Ii][Ss]:/ { next }  # a paragraph of comments alone
    ++seen != wanted { next }
    {
      print "Types: deb\nSuites: trixie\nComponents: main"
      for (line = 1; line <= NF; line++) {
        if ($line ~ /^#/) continue
        # A line that starts with a space goes on with the field above it, as an inline key does.
        if ($line !~ /^[ \t]/) keep = tolower($line) !~ /^(types|suites|components|enabled):/
        if (keep) print $line
      }
    }' "$1"
}

# deb [signed-by=... arch=amd64,i386] URI bookworm main
trixie_from_line() {
  local line options="" option uri
  line=$(sed -n "$2p" "$1")
  if [[ $line =~ ^[[:space:]]*deb[[:space:]]+\[([^]]*)\][[:space:]]+([^[:space:]]+) ]]; then
    options=${BASH_REMATCH[1]} uri=${BASH_REMATCH[2]}
  else
    read -r _ uri _ <<<"$line"
  fi

  printf 'Types: deb\nSuites: trixie\nComponents: main\nURIs: %s\n' "$uri"
  for option in $options; do
    [[ $option != arch=* ]] || option=Architectures=${option#*=}
    printf '%s: %s\n' "${option%%=*}" "$(tr ',' ' ' <<<"${option#*=}")"
  done
}

# Never asks, keeps configuration files as they are, and waits for another apt instead of failing at once.
apt_get() {
  DEBIAN_FRONTEND=noninteractive apt-get -y -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 \
    -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@"
}
