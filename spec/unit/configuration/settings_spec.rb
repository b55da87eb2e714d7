# frozen_string_literal: true

require "kino/configuration"

RSpec.describe Kino::Configuration::Settings do
  described_class::TABLE.each_value do |setting|
    describe setting.name.inspect do
      it "allows its own default and its example" do
        source = Kino::Configuration::Source.keyword

        # Some defaults are for the mode to say, and the mode is one nobody has chosen.
        by_mode = %i[mode workers processes threads min_threads queue_timeout].include?(setting.name)
        expect { setting.parse(setting.default, source) }.not_to raise_error unless by_mode
        expect { setting.parse(setting.example, source) }.not_to raise_error
      end

      it "is summed up in half a line and explained in sentences" do
        expect(setting.summary).to match(/\A[a-z].{0,70}[^.]\z/)
        expect(setting.doc).to match(/\A[A-Z][^\n]+\.\z/)
        expect(setting.kind.allowed).not_to be_empty
        expect(setting.kind.label).to match(/\A[A-Z]+\z/)
        expect(setting.default_text).not_to match(/nil/)
      end

      it "has its word in the signatures of Configuration and of kino.rb" do
        signatures = File.read(File.expand_path("../../../sig/kino/configuration.rbs", __dir__))

        expect(signatures).to match(/^      \?#{setting.name}: /)
        expect(signatures).to match(/^      def #{setting.name}: /)
        expect(signatures).to match(/^    attr_reader #{setting.name}: /) unless setting.shorthand?
      end
    end
  end

  it "names the flags and the environment variables that users of other servers know" do
    table = described_class::TABLE

    expect(table.values.flat_map(&:flags))
      .to eq(%w[-b --bind -p --port -m --mode -w --workers -t --threads --processes -e --environment --early-hints
                --quiet --log-format --log-level --access-log --access-log-format --control])
    expect(table.transform_values(&:variables).reject { |_, variables| variables.empty? })
      .to eq(port: %w[PORT], threads: %w[RAILS_MAX_THREADS], processes: %w[WEB_CONCURRENCY],
             environment: %w[APP_ENV RACK_ENV RAILS_ENV])
  end

  it "says what a default of nil is for" do
    texts = described_class::TABLE.transform_values(&:synopsis)

    expect(texts[:access_log]).to end_with("(default none)")
    expect(texts[:stuck_timeout]).to end_with("(default no limit)")
    expect(texts[:logger]).to end_with("(default standard output and error)")
  end

  it "leaves a tenth of the open-file limit to the app" do
    expect(described_class.connections_for(1024)).to eq(918)
    expect(described_class.connections_for(8)).to eq(16)
    expect(described_class.connections_for(1_048_576)).to eq(10_240)
    expect(described_class.connections_for(Process::RLIM_INFINITY)).to eq(10_240)
  end
end
