#!/bin/sh
# Fetches real documentation from Debian's packages into a folder, a folder for each corpus: what `load::corpora` reads.
# Packages are checked by apt's signatures; nothing is installed. Some 150 MB are fetched.
#
#   tests/corpora.sh FOLDER
set -eu
folder="${1:?name a folder}"
mkdir -p "$folder"
cd "$folder"

corpus() { # name packages...
    name="$1"
    shift
    if [ -e "$name/.whole" ]; then return; fi
    rm -rf "$name" && mkdir "$name"
    for package in "$@"; do
        (cd "$name" && apt-get -o APT::Sandbox::User=root download --quiet "$package" >/dev/null && dpkg-deb -x "$package"_*.deb . && rm -- *.deb)
    done
    touch "$name/.whole"
}

corpus postgresql postgresql-doc-15
corpus python python3.11-doc
corpus rust rust-doc
# Manuals as PDF, and what there is as DOCX: samples of programs that write or read it, and notes beside fonts.
corpus files texlive-latex-base-doc toppic-common fonts-texgyre-math finalcif r-cran-officer r-cran-mediana \
    python3-docx golang-github-gabriel-vasile-mimetype-dev fonts-lmodern
for name in postgresql python rust files; do
    printf '%s: %s HTML, %s PDF, %s DOCX\n' "$name" \
        "$(find "$name" -name '*.html' -type f | wc -l)" \
        "$(find "$name" -name '*.pdf' -type f | wc -l)" \
        "$(find "$name" -name '*.docx' -type f | wc -l)"
done
