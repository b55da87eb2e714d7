# frozen_string_literal: true

require "kino/server/database_pool"

RSpec.describe Kino.const_get(:DatabasePool) do
  # Active Record as far as a look at its settings goes.
  def active_record(&config)
    base = Class.new { define_singleton_method(:connection_db_config, &config) }
    stub_const("ActiveRecord", Module.new.tap { |record| record.const_set(:Base, base) })
  end

  it "is none without Active Record, or where that is not loaded yet" do
    hide_const("ActiveRecord")
    expect(described_class.here).to be_nil

    stub_const("ActiveRecord", Module.new { autoload :Base, "no/such/file" })
    expect(described_class.here).to be_nil
  end

  it "is none where no database is configured" do
    active_record { raise "no database" }

    expect(described_class.here).to be_nil
  end

  it "names the line to write when it is smaller than the threads" do
    active_record { Struct.new(:pool, :checkout_timeout).new(5, 3) }

    expect(described_class.here.warning(5)).to be_nil
    expect(described_class.here.warning(8))
      .to start_with("the database pool has 5 connections for 8 threads, so requests may wait for one and fail with " \
                     "ActiveRecord::ConnectionTimeoutError; write pool: 8 in config/database.yml, or run fewer threads")
  end

  it "is the smallest of several, with its name, in the app's environment" do
    of = ->(name, pool) { Struct.new(:name, :pool, :checkout_timeout).new(name, pool, 2) }
    all = [of.call("primary", 9), of.call("animals", 4), of.call("animals_replica", 6)]
    configurations = double(configs_for: all)
    active_record { all.first }
    ActiveRecord::Base.define_singleton_method(:configurations) { configurations }
    stub_const("Rails", double(application: :app, env: "staging"))

    expect(described_class.here).to have_attributes(size: 4, name: "animals", timeout: 2)
    expect(described_class.here.warning(5))
      .to start_with("the database pool of animals has 4 connections for 5 threads")
    expect(configurations).to have_received(:configs_for).with(env_name: "staging", include_hidden: true).twice
  end

  it "has the word of newer versions, and no bound where they have none" do
    active_record { Struct.new(:max_connections, :pool, :checkout_timeout).new(1, 1, 3) }
    expect(described_class.here.warning(2)).to include("1 connection for 2 threads", "write max_connections: 2 in")

    active_record { Struct.new(:max_connections, :checkout_timeout).new(nil, 3) }
    expect(described_class.here).to be_nil
  end
end
