# frozen_string_literal: true

require "fileutils"
require "tmpdir"
require "kino/configuration"
require_relative "../../../rakelib/puma_table"

RSpec.describe Kino::Configuration::Puma do
  root = File.expand_path("../../..", __dir__)

  # What a file of Puma's may say, after Puma itself.
  directives = lambda do
    require "puma"
    require "puma/configuration"
    Puma::DSL.public_instance_methods(false).reject { |name| name.start_with?("_") }
  end

  it "knows every word of the Puma that is installed" do
    expect(directives.call.size).to be > 70
    expect(directives.call - described_class::WORDS.keys).to eq([])
  end

  it "has its words in order" do
    expect(described_class::WORDS.keys).to eq(described_class::WORDS.keys.sort)
  end

  described_class::WORDS.each do |name, word|
    it "has one line of #{name}, that it can be explained by" do
      plain = word.fate == :taken && word.text.nil?
      expect(described_class.explain(name)).to match(/\A[a-zKR:0].{8,110}[^.]\z/) unless plain
      expect(word.text).to be_nil.or match(/\A[^\n]+\z/)
      expect(word.setting).not_to be_nil if word.kind == :taken
    end
  end

  it "takes only what there is a setting for" do
    taken = described_class::WORDS.values.select { |word| word.fate == :taken }

    expect(taken.map(&:setting) - Kino::Configuration::Settings::TABLE.keys).to eq([])
    expect(described_class::Word.new(:taken, :no_such_setting, nil).fate).to be(:ignored)
  end

  it "tells Puma's files by their names" do
    expect(%w[config/puma.rb puma.rb config/puma/production.rb puma-staging.rb /srv/puma.rb]
      .map { |path| described_class.file?(path) }).to all(be(true))
    expect(%w[config/kino.rb config/puma/kino.rb server.rb config/server.rb puma/server.rb]
      .map { |path| described_class.file?(path) }).to all(be(false))
  end

  it "tells those of config/puma from inside of that folder, too" do
    Dir.mktmpdir do |folder|
      FileUtils.mkdir_p("#{folder}/config/puma")
      Dir.chdir("#{folder}/config/puma") do
        expect(%w[production.rb kino.rb].map { |path| described_class.file?(path) }).to eq([true, false])
      end
    end
  end

  it "has every word, and what becomes of it, in doc/from-puma.md" do
    document = File.read(File.join(root, "doc/from-puma.md"))

    expect(document).to include(PumaTable.text),
                        "doc/from-puma.md is not what the table says; write it again: bundle exec rake doc:puma"
  end
end
