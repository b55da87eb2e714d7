# frozen_string_literal: true

require "kino/configuration"

# Puma's words and what becomes of each, as doc/from-puma.md has them.
module PumaTable
  DOCUMENT = File.expand_path("../doc/from-puma.md", __dir__)
  FATES = { does: "as with Puma", holds: "holds anyway", ignored: "does nothing", refused: "refused" }.freeze
  private_constant :FATES

  module_function

  # The table's text.
  def text
    rows = Kino::Configuration::Puma::WORDS.map { |name, word| "| `#{name}` | #{fate(name, word)} |\n" }
    "| Puma's word | with Kino |\n|---|---|\n#{rows.join}"
  end

  # Puts it where it belongs.
  def write
    document = File.read(DOCUMENT)
    File.write(DOCUMENT, document.sub(/^\| Puma's word .*?(?=\n\n|\n\z)/m) { text.chomp })
  end

  def fate(name, word)
    become = word.fate == :taken ? "`#{word.setting}`" : FATES.fetch(word.fate)
    note = word.fate == :taken ? word.text : Kino::Configuration::Puma.explain(name)
    [become, note].compact.join(": ").gsub("|", "\\|")
  end
  private_class_method :fate
end
