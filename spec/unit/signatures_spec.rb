# frozen_string_literal: true

require "kino"
require "kino/check"
require "kino/cli"
require "rackup"
require "rackup/handler/kino"
require_relative "../support/signatures"

RSpec.describe "The signatures in sig/" do
  root = File.expand_path("../..", __dir__)
  signatures = Signatures.new(Dir.glob("sig/**/*.rbs", base: root).map { |path| File.read(File.join(root, path)) })

  before { Kino::TestServer }
  before { Kino::Check.constants.each { |name| Kino::Check.const_get(name) } }

  it "has something to look at" do
    expect(signatures.all.map(&:name)).to include("Kino", "Kino::Server", "Kino::Check::Report")
    expect(signatures["Kino::Server"].instance_methods.keys).to include(:start, :stop)
  end

  it "is compared with what there is" do
    stub_const("Kino::Sample", Class.new do
      def self.make = new
      def read(length, other = nil, into: nil) = [length, other, into]
      def write(*) = nil

      private

      def hidden = nil
    end)
    said = Signatures.new([<<~RBS])
      module Kino
        class Sample
          def read: (?Integer length, ?into: String) -> void
          def write: (String part) -> void
          def hidden: () -> void
        end
        class Gone
        end
      end
    RBS

    expect(said.faults)
      .to eq(["Kino::Sample#read is declared for 0 to 1 arguments, keywords [:into], and takes 1 to 2 arguments, " \
              "keywords [:into]", "Kino::Sample#hidden is declared, and isn't public",
              "Kino::Gone is declared, and isn't there"])
    expect(said.undeclared(Kino)).to include("Kino::Sample.make isn't declared", "Kino::Server isn't declared")
  end

  it "says nothing that isn't so: classes, public methods, and how they are called" do
    expect(signatures.faults).to eq([])
  end

  it "leaves out nothing that is public" do
    # Words of another server's that a file may have: nobody writes them anew.
    foreign = Kino::Configuration::Puma::WORDS.keys.map { |word| "Kino::Configuration::DSL##{word} isn't declared" }

    # A spec that has put a double in its place leaves it public.
    native = ["Kino::Native isn't declared"]

    expect(signatures.undeclared(Kino) - foreign - native).to eq([])
  end
end
